import type { ModelHandle } from "../domain/model.js";
import type { ResetPoint, Rollout } from "../domain/rollout.js";
import { Random } from "../math/random.js";
import { seedAt, type SeedPurpose } from "../math/seeds.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Continuation, PlacedContinuation, SampleContext, Sampler, SamplingParams } from "../ports/sampler.js";

/** Which noise the rollouts use. */
export interface RolloutNoise {
  readonly seed: number;
  readonly purpose: SeedPurpose;
  readonly iteration: number;
}

/**
 * Rolls out pi from each reset point: y ~ pi(. | s_h).
 * @param firstActionBy the first token is drawn by this model for each rollout whose seeded coin says so: the even
 * mixture of Algorithm 3; left out: by the policy, like the others
 * @param onRollouts called with rollouts that are finished while others are still being sampled, where a sampler says so;
 * those that the mixture begins are not among them
 * @returns rollouts in the order of the reset points, the continuations of one beside each other
 */
export async function collectRollouts(
  sampler: Sampler,
  resets: readonly ResetPoint[],
  {
    policy,
    params,
    noise,
    continuations = 1,
    firstActionBy,
    onRollouts,
  }: {
    readonly policy: ModelHandle;
    readonly params: SamplingParams;
    readonly noise: RolloutNoise;
    readonly continuations?: number;
    readonly firstActionBy?: ModelHandle | undefined;
    readonly onRollouts?: ((rollouts: readonly Rollout[]) => void) | undefined;
  },
  options?: CallOptions,
): Promise<readonly Rollout[]> {
  const contexts = resets.map(({ row, prompt, prefix, maxNewTokens }) => ({
    tokens: [...prompt, ...prefix],
    maxNewTokens,
    firstPosition: prefix.length,
    seeds: Array.from({ length: continuations }, (_, continuation) =>
      seedAt(noise.seed, noise.purpose, noise.iteration, row, continuation),
    ),
  }));
  if (firstActionBy) {
    const others = { policy, reference: firstActionBy };
    const rollouts = await sampleFromMixture(sampler, contexts, { ...others, params, noise }, options);
    return rollouts.map(({ place, byReference, ...written }) => ({
      ...rolloutOf(resets[Math.floor(place / continuations)]!, place % continuations, written),
      firstActionByReference: byReference,
    }));
  }
  const early = resets.map((): Rollout[] => []);
  const onSampled = (part: readonly PlacedContinuation[]) =>
    onRollouts?.(
      part.map(
        ({ contextIndex: i, continuationIndex, continuation }) =>
          (early[i]![continuationIndex] = rolloutOf(resets[i]!, continuationIndex, continuation)),
      ),
    );
  const written = await sampler.sample({ model: policy, contexts, params }, { ...options, onSampled });
  return resets.flatMap((reset, i) =>
    written[i]!.map((one, continuation) => early[i]![continuation] ?? rolloutOf(reset, continuation, one)),
  );
}

const rolloutOf = (
  reset: ResetPoint,
  continuation: number,
  { tokens, logprobs, finishReason, version }: Continuation,
): Rollout => ({ reset, continuation, generated: tokens, samplerLogprobs: logprobs, finishReason, version });

/** A rollout of the mixture, and where it belongs: one place for each seed of each context, in order. */
interface MixtureContinuation extends Continuation {
  readonly place: number;
  readonly byReference: boolean;
}

/**
 * Algorithm 3: the first action from the even mixture of reference and policy, then the policy to the end. As noise belongs
 * to positions, a rollout whose coin says "policy" is the one that the policy writes anyway.
 */
async function sampleFromMixture(
  sampler: Sampler,
  contexts: readonly SampleContext[],
  {
    policy,
    reference,
    params,
    noise,
  }: { policy: ModelHandle; reference: ModelHandle; params: SamplingParams; noise: RolloutNoise },
  options?: CallOptions,
): Promise<readonly MixtureContinuation[]> {
  const single = contexts.flatMap((context) => context.seeds.map((seed) => ({ ...context, seeds: [seed] })));
  const places = single.map((_, place) => ({
    place,
    byReference: new Random(seedAt(noise.seed, "first-action", noise.iteration, place)).bernoulli(0.5),
  }));
  const of = (byReference: boolean) => places.filter((one) => one.byReference === byReference);
  const first = await sampleEach(
    sampler,
    reference,
    of(true).map(({ place }) => ({ ...single[place]!, maxNewTokens: 1 })),
    params,
    options,
  );
  const openings = of(true).map((one, i) => ({ ...one, opening: first[i]! }));
  const goesOn = openings.filter(
    ({ place, opening }) => opening.finishReason !== "stop" && single[place]!.maxNewTokens > 1,
  );
  const rest = await sampleEach(
    sampler,
    policy,
    [
      ...of(false).map(({ place }) => single[place]!),
      ...goesOn.map(({ place, opening }) => afterOpening(single[place]!, opening)),
    ],
    params,
    options,
  );
  const byPolicy = of(false).map((one, i): MixtureContinuation => ({ ...one, ...rest[i]! }));
  const continued = new Map(goesOn.map(({ place }, i) => [place, rest[byPolicy.length + i]!]));
  const byReference = openings.map(({ opening, ...one }): MixtureContinuation => {
    const next = continued.get(one.place);
    if (!next) return { ...one, ...opening };
    return {
      ...{ ...one, ...next },
      tokens: [...opening.tokens, ...next.tokens],
      logprobs: [...opening.logprobs, ...next.logprobs],
    };
  });
  return [...byPolicy, ...byReference].sort((a, b) => a.place - b.place);
}

const afterOpening = (context: SampleContext, { tokens }: Continuation): SampleContext => ({
  ...context,
  tokens: [...context.tokens, ...tokens],
  maxNewTokens: context.maxNewTokens - tokens.length,
  firstPosition: context.firstPosition + tokens.length,
});

/** One continuation of each context; none asks nothing of the sampler. */
async function sampleEach(
  sampler: Sampler,
  model: ModelHandle,
  contexts: readonly SampleContext[],
  params: SamplingParams,
  options?: CallOptions,
): Promise<readonly Continuation[]> {
  if (contexts.length === 0) return [];
  return (await sampler.sample({ model, contexts, params }, options)).map(([only]) => only!);
}
