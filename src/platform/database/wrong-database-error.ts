/** This database is not the one the Worker is set up for; the message is one line for an operator. */
export class WrongDatabaseError extends Error {
  override readonly name = 'WrongDatabaseError';
}
