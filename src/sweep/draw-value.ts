import { createHash } from "node:crypto";
import type { Distribution } from "../config/sweep.js";
import { Random } from "../math/random.js";
import { seedAt } from "../math/seeds.js";

const SIGNIFICANT_DIGITS = 4;

/**
 * A field's value in one configuration of a random sweep: a function of the sweep's seed, the draw and the field alone, so
 * that more draws or more fields leave the others as they are. Numbers have four significant digits, so that a run's name
 * says its value in full.
 */
export function drawValue(distribution: Distribution, place: DrawPlace): unknown {
  const { uniform, logUniform, integers, choice } = distribution;
  const random = new Random(seedAt(place.seed, "sweep", place.draw, numberOf(place.field)));
  if (choice) return choice[random.integer(0, choice.length - 1)];
  if (integers) return random.integer(integers[0], integers[1]);
  if (uniform) return rounded(between(uniform, random.next()));
  return rounded(Math.exp(between([Math.log(logUniform![0]), Math.log(logUniform![1])], random.next())));
}

export interface DrawPlace {
  readonly seed: number;
  /** From 1. */
  readonly draw: number;
  /** Dotted path. */
  readonly field: string;
}

const between = ([low, high]: readonly [number, number], share: number): number => low + share * (high - low);

const rounded = (x: number): number => Number(x.toPrecision(SIGNIFICANT_DIGITS));

/** A field as a position of randomness. */
const numberOf = (field: string): number =>
  Number.parseInt(createHash("sha256").update(field).digest("hex").slice(0, 12), 16);
