import type { ModelHandle } from "../domain/model.js";
import type { Rollout } from "../domain/rollout.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Trainer } from "../ports/trainer.js";
import { splitBySpan, trainingRow } from "./training-rows.js";

/** Log-probabilities by the reference, computed while other rollouts are still being sampled. */
export interface ReferenceAhead {
  begin(rollouts: readonly Rollout[], reference: ModelHandle, options: CallOptions): void;
  /**
   * ln pi_SFT of the generated tokens and of so many at the end of the prefix; [rollouts]. Null unless all were begun.
   */
  logprobs(
    rollouts: readonly Rollout[],
    creditedPrefix: (rollout: Rollout) => number,
  ): Promise<readonly (readonly number[])[]> | null;
}

/** @param temperature that the rollouts are sampled at */
export const referenceAhead = (trainer: Pick<Trainer, "forward">, temperature: number): ReferenceAhead => {
  // By the tokens, which a rollout and the same with its score share.
  const begun = new WeakMap<TokenIds, Promise<readonly number[]>>();
  return {
    begin(rollouts, model, { signal }) {
      const rows = rollouts.map((rollout) => trainingRow(rollout, rollout.reset.prefix.length));
      const computing = trainer
        .forward({ rows }, [{ model, output: "logprobs", temperature }], { signal })
        .then(([logprobs]) => splitBySpan(logprobs!, rows));
      rollouts.forEach(({ generated }, i) => {
        const one = computing.then((all) => all[i]!);
        one.catch(() => undefined);
        begun.set(generated, one);
      });
    },

    logprobs(rollouts, creditedPrefix) {
      const all = rollouts.flatMap(({ generated }) => begun.get(generated) ?? []);
      if (all.length < rollouts.length) return null;
      return Promise.all(
        rollouts.map(async (rollout, i) =>
          (await all[i]!).slice(rollout.reset.prefix.length - creditedPrefix(rollout)),
        ),
      );
    },
  };
};
