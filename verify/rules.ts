/** The rules the driver is verified against, by id. */

export const RULES: Readonly<Record<string, string>> = {
  R1: 'After a pause, a disconnect or a low-power call has returned, the queue is empty and stays empty until its counterpart.',
  R2: 'Nothing is taken from or given to the host stack unless a handle is open, the state is Running and power is D0.',
  R3: 'Every packet is delivered exactly once or counted as dropped, in order by bundle sequence.',
  R4: 'A pause completes exactly once, and only when no transaction is active.',
  R5: 'A read with a packet available completes: no wake-up is lost.',
  R6: 'Every read completes exactly once.',
  R7: 'The TransitionLock excludes, does not deadlock, and the exclusive side gets in after one hold of each thread.',
  R8: 'After a halt nothing touches the adapter, and all reads are completed.',
  R9: 'A thread that dies wedges nobody.',
  R10: 'Transitions that start something up take no TransitionLock.',
  R11: 'The queue is never cleared while the TransitionLock is held exclusive.',
};

export const RULE_IDS: readonly string[] = Object.keys(RULES);
