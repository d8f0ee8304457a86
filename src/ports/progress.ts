/** One thing under way. */
export interface ProgressTask {
  /** Units done so far, and figures worth showing beside them. */
  update(done: number, figures?: Readonly<Record<string, number>>): void;
  /** The task is over; `note` says how it ended. */
  end(note?: string): void;
}

/** Tells a person what is going on: bars with time left on a terminal, plain lines elsewhere. */
export interface Progress {
  /** @param total units in all; `unit` names them ("iterations"). */
  start(label: string, total: number, unit: string): ProgressTask;
  /** A line to keep. */
  note(line: string): void;
}
