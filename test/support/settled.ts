interface Settling {
  look(): Promise<void>;
  idle(): Promise<void>;
}

/** What is due is done, and so is what that makes due. */
export async function settled(settling: Settling): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await settling.look();
    await settling.idle();
  }
}
