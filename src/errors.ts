/**
 * Every error that a user can meet. The class decides the exit code and whether a retry can help; the message says what
 * happened, where, and what to do next.
 */

/** Exit codes of the command line. */
export const EXIT_CODE = { done: 0, failed: 1, badInput: 2, environment: 3, interrupted: 130 } as const;

export abstract class DrpoError extends Error {
  abstract readonly exitCode: number;
  /** True if the same call may succeed when it is made again. */
  readonly retryable: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The recipe, the data or an argument is wrong: nothing was started or changed. */
export class BadInputError extends DrpoError {
  readonly exitCode = EXIT_CODE.badInput;
}

/** The machine or a server does not offer what is needed. */
export class EnvironmentError extends DrpoError {
  readonly exitCode: number = EXIT_CODE.environment;
}

/** A call did not reach the server, or the server was busy: the same request can be sent again. */
export class ServerUnavailableError extends EnvironmentError {
  override readonly retryable = true;
}

/** A server that can be reached said nothing for too long: it hangs. */
export class SilentServerError extends EnvironmentError {}

/** Another orchestrator took the run over, or the weights are not those expected: going on would corrupt the run. */
export class FencedOffError extends EnvironmentError {}

/** The server does not have what the call names: a model, a kept batch, a checkpoint or a file. */
export class NotOnServerError extends EnvironmentError {}

/** The server is another process than when the connection was made, so the run's models are gone from it. */
export class ServerRestartedError extends NotOnServerError {}

/** A sampler computes something else than the trainer from what should be the same weights. */
export class SamplerDriftError extends EnvironmentError {}

/** The run itself went wrong: a loss or a gradient that is not finite, or a KL beyond its limit. */
export class DivergedError extends DrpoError {
  readonly exitCode = EXIT_CODE.failed;
}

/** Runs of a sweep failed; the others are through. */
export class RunsFailedError extends DrpoError {
  readonly exitCode = EXIT_CODE.failed;
}

/** A file of a run, of the cache or of a checkpoint is damaged. */
export class CorruptStateError extends DrpoError {
  readonly exitCode = EXIT_CODE.failed;
}

/** The user asked to stop. What was committed stays, and the run can be resumed. */
export class InterruptedError extends DrpoError {
  readonly exitCode = EXIT_CODE.interrupted;
}
