import { invalid, refused } from "./service-error.js";
import type { Mutation } from "../proto-gen/drpo/v1/common.js";
import { findRun, type RunState, type World } from "./world.js";

/** The run, if the caller still holds it. @throws INVALID_ARGUMENT for a malformed mutation, FAILED_PRECONDITION for a stale fence. */
export const holdRun = (
  world: World,
  mutation: Mutation | undefined,
): { readonly run: RunState; readonly requestId: string } => {
  if (!mutation?.runId || !mutation.requestId) throw invalid("mutation: run_id and request_id must be set");
  const run = findRun(world, mutation.runId);
  if (run.fence === 0n) throw refused(`run ${mutation.runId} was never acquired on this server`);
  if (run.fence !== mutation.fence) throw refused(`fence ${mutation.fence} of run ${mutation.runId} is stale`);
  return { run, requestId: mutation.requestId };
};

/**
 * Does the work of a mutation once, by the rules of common.proto: stale fence, then the stored answer of a repeated
 * request (or the one under way), then the work, which looks up models and versions. A failure is not stored.
 * @param request with its payload, which a repeat must match
 */
export const mutate = async <Response>(
  world: World,
  request: { readonly mutation: Mutation | undefined; readonly payload: Uint8Array },
  work: (run: RunState) => Response,
): Promise<Response> => {
  const { run, requestId } = holdRun(world, request.mutation);
  const payload = Buffer.from(request.payload).toString("base64");
  const stored = run.answers.get(requestId);
  if (stored !== undefined) {
    if (stored.payload !== payload) throw invalid(`request ${requestId} was sent before with another payload`);
    return stored.answer as Promise<Response>;
  }
  const answer = (async () => work(run))();
  run.answers.set(requestId, { payload, answer });
  answer.catch(() => {
    // Released meanwhile, the name may be another call's.
    if (run.answers.get(requestId)?.answer === answer) run.answers.delete(requestId);
  });
  return answer;
};
