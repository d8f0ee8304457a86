import { status } from "@grpc/grpc-js";
import {
  BadInputError,
  CorruptStateError,
  DivergedError,
  type DrpoError,
  EnvironmentError,
  FencedOffError,
  InterruptedError,
  NotOnServerError,
  ServerUnavailableError,
  SilentServerError,
} from "../errors.js";

/** Why the client itself ended a call: the user asked, or the server said nothing for too long. */
export type StopReason = "interrupted" | "silent";

export interface CallContext {
  /** "TrainerService.Forward". */
  readonly rpc: string;
  /** host:port. */
  readonly address: string;
  readonly silenceTimeoutMs: number;
  readonly stopped?: StopReason | undefined;
}

type ErrorClass = new (message: string, options?: ErrorOptions) => DrpoError;

const RESUME = "Every commit is kept: drpo train --resume goes on with the run.";

/** Class of error, and what to do next, for each status that a server answers. */
const BY_STATUS: ReadonlyMap<status, readonly [ErrorClass, string]> = new Map<status, readonly [ErrorClass, string]>([
  [
    status.UNAVAILABLE,
    [
      ServerUnavailableError,
      "Check that the server runs and that the address is right; drpo train --resume then goes on with the run.",
    ],
  ],
  [status.CANCELLED, [ServerUnavailableError, `The server dropped the call, as it does when it stops. ${RESUME}`]],
  [
    status.FAILED_PRECONDITION,
    [FencedOffError, `Another process may have taken this run over: stop one of the two. ${RESUME}`],
  ],
  [status.NOT_FOUND, [NotOnServerError, `The server does not have it: check what is named. ${RESUME}`]],
  [status.DATA_LOSS, [CorruptStateError, "The stored files are damaged: take an earlier checkpoint."]],
  [status.INVALID_ARGUMENT, [BadInputError, ""]],
  [status.OUT_OF_RANGE, [BadInputError, ""]],
  [status.ALREADY_EXISTS, [BadInputError, "Choose another name, or delete the old one first."]],
  [status.RESOURCE_EXHAUSTED, [EnvironmentError, `Free memory or disk, or lower server.tokenBudget. ${RESUME}`]],
  [status.UNAUTHENTICATED, [EnvironmentError, "Set DRPO_SERVER_TOKEN to the server's token."]],
  [status.PERMISSION_DENIED, [EnvironmentError, "Set DRPO_SERVER_TOKEN to the server's token."]],
  [
    status.UNIMPLEMENTED,
    [EnvironmentError, "This server lacks the call: use one of the same version, with the capability that is needed."],
  ],
  [status.ABORTED, [DivergedError, `A number was not finite: lower the learning rate. ${RESUME}`]],
]);

/** What these calls do not find is a folder that the user named, on the server's disk ... */
const NAMES_A_FOLDER = /^(TokenizerService\.|ModelService\.(PlanMemory|CreateModel)$)/;
/** ... but for a model that a copy is made of. */
const NAMES_A_MODEL = /^run '/;
const NO_FOLDER: readonly [ErrorClass, string] = [
  BadInputError,
  "The folder is one of the server's machine: correct its path in the recipe, or put it there.",
];

const UNEXPECTED: readonly [ErrorClass, string] = [EnvironmentError, `The server's log says more. ${RESUME}`];

/**
 * The one place that turns a gRPC status into an error of this project.
 * @param failure what grpc-js raised: a status code and the server's own words.
 */
export const fromGrpcError = (
  failure: { readonly code: status; readonly details: string },
  context: CallContext,
): DrpoError => {
  const where = `${context.rpc} at ${context.address}`;
  if (context.stopped === "interrupted")
    return new InterruptedError(`${where}: interrupted. ${RESUME}`, { cause: failure });
  if (context.stopped === "silent") {
    const seconds = context.silenceTimeoutMs / 1000;
    return new SilentServerError(
      `${where}: no word for ${seconds} s, so the server hangs. Look at its log and restart it; if it was only slow, raise ` +
        `server.silenceTimeoutMs. ${RESUME}`,
      { cause: failure },
    );
  }
  const isOfAFolder =
    failure.code === status.NOT_FOUND && NAMES_A_FOLDER.test(context.rpc) && !NAMES_A_MODEL.test(failure.details);
  const [ErrorOfStatus, advice] = isOfAFolder ? NO_FOLDER : (BY_STATUS.get(failure.code) ?? UNEXPECTED);
  return new ErrorOfStatus(
    `${where}: ${failure.details || "no details"} (${status[failure.code]}). ${advice}`.trimEnd(),
    {
      cause: failure,
    },
  );
};
