import { RealtimeError } from "../../realtime/errors.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { Replica } from "./replica.ts";
import type { Sequencer, SequencerPosition, SequencerState } from "./sequencer.ts";

/** Time that a caller waits at most until this process has received an entry that this or another process has appended. */
export const CATCH_UP_TIMEOUT: Milliseconds = 2000;

/**
 * Makes a client wait if its cursor is newer than the newest entry of this process. The client has the cursor from another
 * process.
 */
export class CatchUp {
  readonly #replica: Replica;
  readonly #sequencer: Sequencer;
  /** The call of the sequencer that is under way. */
  #joining: Promise<SequencerState> | undefined;

  constructor(replica: Replica, sequencer: Sequencer) {
    this.#replica = replica;
    this.#sequencer = sequencer;
  }

  /**
   * Asks the sequencer whether the position exists in the log. If it exists, waits until this process has received it. If it
   * does not, returns as soon as the sequencer has answered.
   *
   * @throws RealtimeError `unreachable` if the sequencer can't be asked, or if the entry does not arrive in time.
   */
  async wait(position: SequencerPosition): Promise<void> {
    const { epochs, end } = await this.#join();
    const index = epochs.findIndex(({ name }) => name === position.epoch);
    const lastOfEpoch = epochs[index + 1]?.start ?? end.sequence;
    if (index === -1 || position.sequence > lastOfEpoch) return;
    if (await this.#replica.waiters.wait(position, CATCH_UP_TIMEOUT)) return;
    throw new RealtimeError(
      "unreachable",
      "This process has not received the newest messages yet. Try again soon.",
    );
  }

  /**
   * Reads the state of the log. There may be many clients, with cursors of any content, so they share a call. A call that began
   * before a client asked may be too old for that client.
   */
  async #join(): Promise<SequencerState> {
    if (this.#joining !== undefined) await this.#joining.catch(() => undefined);
    this.#joining ??= this.#sequencer.join().finally(() => {
      this.#joining = undefined;
    });
    return this.#joining;
  }
}
