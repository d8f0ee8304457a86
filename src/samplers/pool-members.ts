import type { ModelHandle } from "../domain/model.js";
import { EnvironmentError, ServerUnavailableError, SilentServerError } from "../errors.js";
import { retryDelayMs } from "../math/retry-delay.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Clock } from "../ports/clock.js";
import type { Progress } from "../ports/progress.js";
import type { PublishedWeights } from "../ports/weight-publisher.js";
import type { PooledSampler } from "./pooled-sampler.js";

/** Waits before a lost sampler is asked again. */
const REVIVAL = { baseDelayMs: 1_000, maxDelayMs: 60_000 };
/** An error lists what so many samplers said. */
const MAX_LISTED = 8;

/** The samplers of a pool: which are there, and how those that are not come back. */
export interface PoolMembers {
  /** Sub-batches that those which are there take at once. */
  readonly room: number;
  /** @throws EnvironmentError if none is there, or if one is not what the run needs */
  open(options?: CallOptions): Promise<void>;
  /** The sampler that can begin at once: the emptiest, and of equals one that holds the version already. */
  withMostRoom(model: ModelHandle): PooledSampler | undefined;
  /** All that are there begin to sync the version: it is used soon. */
  prepare(published: PublishedWeights): void;
  /** It finished something. */
  worked(sampler: PooledSampler): void;
  /**
   * It failed: it is asked again after a while, and longer and longer ones as long as it finishes nothing. Of one that said
   * nothing, the other sub-batches may still come: each call finds out by itself.
   */
  takeOut(sampler: PooledSampler, error: Error): void;
  noneLeft(afterMs: number): EnvironmentError;
  close(): void;
}

export const createPoolMembers = (
  samplers: readonly PooledSampler[],
  {
    progress,
    clock,
    random,
    onRoomChanged,
  }: {
    readonly progress: Pick<Progress, "note">;
    readonly clock: Clock;
    /** Uniform in [0, 1). */
    readonly random: () => number;
    readonly onRoomChanged: () => void;
  },
): PoolMembers => {
  /** Times that each was lost since it last finished something, and what it said last. */
  const losses = new Map<PooledSampler, number>();
  const said = new Map<PooledSampler, string>();
  const waits = new Map<PooledSampler, () => void>();
  const closed = new AbortController();

  const lookAgain = (sampler: PooledSampler) => {
    const lost = (losses.get(sampler) ?? 0) + 1;
    losses.set(sampler, lost);
    const cancel = clock.schedule(retryDelayMs(lost, REVIVAL, random()), () => {
      waits.delete(sampler);
      // What it is still at would be lost.
      if (sampler.running > 0) lookAgain(sampler);
      else void takeBack(sampler);
    });
    waits.set(sampler, cancel);
  };

  const takeBack = async (sampler: PooledSampler): Promise<void> => {
    try {
      await sampler.open({ signal: closed.signal });
    } catch (error) {
      said.set(sampler, (error as Error).message);
      if (!closed.signal.aborted) lookAgain(sampler);
      return;
    }
    if (closed.signal.aborted) return sampler.lose();
    progress.note(`sampler ${sampler.name} is back.`);
    onRoomChanged();
  };

  const noneLeft = (afterMs: number): EnvironmentError => {
    const since = afterMs > 0 ? ` for ${afterMs / 1000} s` : "";
    const listed = samplers.slice(0, MAX_LISTED).map((one) => `  ${one.name}: ${said.get(one) ?? "nothing"}`);
    const more = samplers.length > MAX_LISTED ? [`  and ${samplers.length - MAX_LISTED} more`] : [];
    return new EnvironmentError(
      `No sampler is left${since}. Check that they run and can be reached; drpo train --resume then goes on with the run. What each said last:\n` +
        [...listed, ...more].join("\n"),
    );
  };

  return {
    get room() {
      return samplers.reduce((sum, { slots }) => sum + slots, 0);
    },

    async open(options) {
      const opened = await Promise.allSettled(samplers.map((sampler) => sampler.open(options)));
      const failed = opened.flatMap((one, i) =>
        one.status === "rejected" ? [{ sampler: samplers[i]!, error: one.reason as Error }] : [],
      );
      const wrong = failed.find(({ error }) => !isAbsence(error));
      if (wrong) throw wrong.error;
      for (const { sampler, error } of failed) said.set(sampler, error.message);
      if (failed.length === samplers.length) throw noneLeft(0);
      for (const { sampler, error } of failed) {
        progress.note(`sampler ${sampler.name} is not there: ${firstSentence(error)}. It joins when it answers.`);
        lookAgain(sampler);
      }
      onRoomChanged();
    },

    withMostRoom(model) {
      let best: PooledSampler | undefined;
      let bestRoom = 0;
      for (const sampler of samplers) {
        const { slots, running } = sampler;
        if (running >= slots) continue;
        // Holding the version decides between equals: were it worth more, the first to hold it would be given everything.
        const room = (slots - running + (sampler.holds(model) ? 0.5 : 0)) / slots;
        if (room > bestRoom) [best, bestRoom] = [sampler, room];
      }
      return best;
    },

    prepare(published) {
      for (const sampler of samplers) sampler.prepare(published);
    },

    worked: (sampler) => void losses.delete(sampler),

    takeOut(sampler, error) {
      if (sampler.slots === 0) return;
      if (error instanceof SilentServerError) sampler.suspend();
      else sampler.lose();
      said.set(sampler, error.message);
      progress.note(
        `sampler ${sampler.name} is taken out: ${firstSentence(error)}. Its rollouts go to others, and it is taken back ` +
          "when it answers again.",
      );
      onRoomChanged();
      lookAgain(sampler);
    },

    noneLeft,

    close() {
      closed.abort();
      for (const cancel of waits.values()) cancel();
      waits.clear();
      for (const sampler of samplers) sampler.lose();
    },
  };
};

const isAbsence = (error: Error): boolean =>
  error instanceof ServerUnavailableError || error instanceof SilentServerError;

const firstSentence = ({ message }: Error): string => message.split(/\.\s/, 1)[0]!.replace(/\.$/, "");
