/** Has a member that died leave its group, as the broker would find out itself after the session's time-out. */
export function removeMember(broker: string, group: string, memberId: string): Promise<void>;
