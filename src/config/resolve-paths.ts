import { isAbsolute, resolve } from "node:path";
import type { DataOptions } from "./data.js";
import type { RegisteredJudge } from "./evaluation.js";
import type { Recipe } from "./recipe.js";
import type { ResetSourceOptions, ResetSpec } from "./reset.js";
import { isRewardModel, type RewardOptions, type SingleReward } from "./reward.js";

/** "testbed:tiny" is a base that a server knows by name, not a path. */
const isNamedBase = (base: string): boolean => base.startsWith("testbed:");

/** Makes a path absolute. @param folder that it is relative to */
export const absolutePaths =
  (folder: string) =>
  (path: string): string =>
    isAbsolute(path) ? path : resolve(folder, path);

/** Paths of a recipe are relative to its folder; here they become absolute, so that a run directory says it all. */
export function resolvePaths<R extends Recipe>(recipe: R, folder: string): R {
  const absolute = absolutePaths(folder);
  const { server, model, data, sft, reward, policy, evaluation, loggers } = recipe;
  return {
    ...recipe,
    server: {
      ...withAbsoluteServer(server, absolute),
      samplers: server.samplers.map((sampler) => withAbsoluteServer(sampler, absolute)),
    },
    model: { ...model, base: isNamedBase(model.base) ? model.base : absolute(model.base) },
    data: withAbsoluteData(data, absolute),
    sft: sft.kind === "adapter" ? { ...sft, path: absolute(sft.path) } : sft,
    reward: withAbsoluteReward(reward, absolute),
    policy: policy.kind === "online" ? { ...policy, reset: withAbsoluteReset(policy.reset, absolute) } : policy,
    evaluation: {
      ...evaluation,
      ...(evaluation.data ? { data: withAbsoluteData(evaluation.data, absolute) } : {}),
      judges: evaluation.judges.map((judge) => withAbsoluteJudge(judge, absolute)),
    },
    loggers: loggers.map(({ directory, ...logger }) =>
      directory === undefined ? logger : { ...logger, directory: absolute(directory) },
    ),
  };
}

/** What starts, or reaches, a server: an interpreter or a certificate. A bare name is looked up on PATH. */
function withAbsoluteServer<
  Server extends { readonly python?: string | undefined; readonly tlsCa?: string | undefined },
>(server: Server, absolute: (path: string) => string): Server {
  const { python, tlsCa } = server;
  return {
    ...server,
    ...(python?.includes("/") ? { python: absolute(python) } : {}),
    ...(tlsCa === undefined ? {} : { tlsCa: absolute(tlsCa) }),
  };
}

/** Options of a judge whose template, or whose reward model, is named by an absolute path. */
export function withAbsoluteJudge<Judge extends RegisteredJudge>(
  judge: Judge,
  absolute: (path: string) => string,
): Judge {
  const { template, reward } = judge;
  return {
    ...judge,
    ...(template === undefined ? {} : { template: absolute(template) }),
    ...(reward === undefined || reward.kind === "train" ? {} : { reward: { ...reward, path: absolute(reward.path) } }),
  };
}

function withAbsoluteData(data: DataOptions, absolute: (path: string) => string): DataOptions {
  const allAbsolute = (path: string | string[]) => (typeof path === "string" ? absolute(path) : path.map(absolute));
  const { path, references } = data;
  return {
    ...data,
    path: allAbsolute(path),
    ...(references ? { references: { ...references, path: allAbsolute(references.path) } } : {}),
  };
}

function withAbsoluteReward(reward: RewardOptions, absolute: (path: string) => string): RewardOptions {
  const single = (one: SingleReward): SingleReward => {
    if (!isRewardModel(one)) return one.module === undefined ? one : { ...one, module: absolute(one.module) };
    return one.kind === "train" ? one : { ...one, path: absolute(one.path) };
  };
  if (!("terms" in reward)) return single(reward);
  return { ...reward, terms: reward.terms.map((term) => ({ ...term, reward: single(term.reward) })) };
}

function withAbsoluteReset(reset: ResetSpec, absolute: (path: string) => string): ResetSpec {
  const { source, selector } = reset;
  return {
    ...reset,
    source: withAbsoluteSource(source, absolute),
    selector: selector.kind === "function" ? { ...selector, module: absolute(selector.module) } : selector,
  };
}

function withAbsoluteSource(source: ResetSourceOptions, absolute: (path: string) => string): ResetSourceOptions {
  if (source.kind === "pool") return { ...source, path: absolute(source.path) };
  if (source.kind !== "livePolicy" || !("path" in source.writer)) return source;
  return { ...source, writer: { ...source.writer, path: absolute(source.writer.path) } };
}
