import type { BatchInput, Trainer } from "../ports/trainer.js";
import { ModelServiceDefinition } from "../proto-gen/drpo/v1/model_service.js";
import { TrainerServiceDefinition as service } from "../proto-gen/drpo/v1/trainer_service.js";
import type { Caller } from "./caller.js";
import { checkLength } from "./check-length.js";
import { describeMethod } from "./method.js";
import type { Mutations } from "./request-id.js";
import { type BatchShape, outputLength, shapeOf, toWireBatch } from "./wire-batch.js";
import { outputOfLoss, toWireLoss, WIRE_OUTPUTS } from "./wire-loss.js";
import { fromWireVersion, toModelRef } from "./wire-model.js";

const forward = describeMethod(service, service.methods.forward);
const forwardBackward = describeMethod(service, service.methods.forwardBackward);
const optimizerStep = describeMethod(service, service.methods.optimizerStep);
const releaseAnswers = describeMethod(ModelServiceDefinition, ModelServiceDefinition.methods.releaseAnswers);

/**
 * The Trainer port over TrainerService.
 * @param runId the run that owns the models
 * @param splits what the server computes with at once, and who hears when it was less
 */
export const createTrainer = (
  caller: Caller,
  runId: string,
  mutations: Mutations,
  splits?: { readonly tokenBudget: number; readonly onSplit: (tokenBudget: number) => void },
): Trainer => {
  const noteSplit = ({ tokenBudget }: { readonly tokenBudget: number }) => {
    if (splits && tokenBudget > 0 && tokenBudget < splits.tokenBudget) splits.onSplit(tokenBudget);
  };
  const keptShapes = new Map<string, BatchShape>();

  /** Undefined for a batch that another connection kept: its answers cannot be checked. */
  const shapeOfInput = (batch: BatchInput): BatchShape | undefined => {
    if ("keptBatchId" in batch) return keptShapes.get(batch.keptBatchId);
    const shape = shapeOf(batch.rows);
    if (batch.keepAs !== undefined) keptShapes.set(batch.keepAs, shape);
    return shape;
  };

  return {
    async forward(batch, outputs, options) {
      const shape = shapeOfInput(batch);
      const request = {
        runId,
        batch: toWireBatch(batch),
        outputs: outputs.map(({ model, output, temperature = 1 }) => ({
          model: toModelRef(model),
          output: WIRE_OUTPUTS[output],
          temperature,
        })),
      };
      const result = await caller.result(forward, request, options);
      noteSplit(result);
      checkLength(result.outputs, outputs.length, "outputs", forward.rpc);
      return result.outputs.map(({ values }, index) => {
        const output = outputs[index]?.output;
        return shape && output ? checkLength(values, outputLength(shape, output), output, forward.rpc) : values;
      });
    },

    async forwardBackward(batch, losses, options) {
      const shape = shapeOfInput(batch);
      return mutations.run(async (mutation) => {
        const request = { mutation, batch: toWireBatch(batch), losses: losses.map(toWireLoss) };
        const result = await caller.result(forwardBackward, request, options);
        noteSplit(result);
        checkLength(result.losses, losses.length, "losses", forwardBackward.rpc);
        for (const [index, { outputs }] of result.losses.entries()) {
          const loss = losses[index]?.loss;
          if (shape && loss)
            checkLength(outputs, outputLength(shape, outputOfLoss(loss)), "outputs", forwardBackward.rpc);
        }
        return { requestId: mutation.requestId, losses: result.losses };
      });
    },

    async optimizerStep({ model, requestIds, adamw, maxGradientNorm }, options) {
      const { version, gradientNorm } = await mutations.run((mutation) =>
        caller.unary(
          optimizerStep,
          { mutation, model: toModelRef(model), forwardBackwardRequestIds: requestIds, adamw, maxGradientNorm },
          options,
        ),
      );
      return { model: { name: model.name, version: fromWireVersion(version, optimizerStep.rpc) }, gradientNorm };
    },

    async release(keptBatchIds, options) {
      const requestIds = mutations.settled();
      await mutations.run((mutation) => caller.unary(releaseAnswers, { mutation, requestIds, keptBatchIds }, options));
      mutations.forget(requestIds);
      for (const id of keptBatchIds) keptShapes.delete(id);
    },
  };
};
