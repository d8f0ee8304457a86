import { z } from "zod";

/** AdamW (arXiv 1711.05101), gradient clipping and the schedule of the learning rate. */
export const optimizerSchema = z
  .strictObject({
    learningRate: z.number().positive().max(10).describe("Peak learning rate; at most 10."),
    beta1: z.number().min(0).lt(1).default(0.9).describe("Decay of the first moment."),
    beta2: z.number().min(0).lt(1).default(0.999).describe("Decay of the second moment."),
    epsilon: z.number().min(1e-16).max(1).default(1e-8).describe("Added to the root of the second moment; 1e-16 to 1."),
    weightDecay: z
      .number()
      .min(0)
      .max(100)
      .default(0)
      .describe("Decoupled weight decay; times the learning rate at most 1."),
    maxGradientNorm: z
      .number()
      .min(0)
      .max(1e9)
      .default(1)
      .describe("Gradients are scaled down to this global L2 norm; 0: never."),
    warmupShare: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe("Share of the optimiser steps over which the rate rises from 0."),
    decay: z
      .enum(["constant", "linear", "cosine"])
      .default("constant")
      .describe("How the rate falls after the warm-up."),
    finalShare: z.number().min(0).max(1).default(0).describe("Where the decay ends, as a share of the peak rate."),
  })
  .refine(({ learningRate, weightDecay }) => learningRate * weightDecay <= 1, {
    path: ["weightDecay"],
    message: "times learningRate it must be at most 1, or each step would turn the sign of the weights",
  });

export type OptimizerOptions = z.infer<typeof optimizerSchema>;
