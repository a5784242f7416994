import { SchematicsException } from '@angular-devkit/schematics';

const KEBAB_CASE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const TOPIC = /^[a-zA-Z0-9._-]+$/;
/** Kafka allows 249 characters, and `.retry` comes behind. */
const LONGEST_TOPIC = 243;
/** Postgres cuts names at 63 bytes; unquoted ones are in lower case. */
const TABLE = /^[a-z][a-z0-9_]{0,62}$/;
const OURS = /\.(dlq|retry)$|^alert-events$/;

/**
 * Refuses what could not become a capability.
 *
 * @param {string} name
 * @param {string} topic
 */
export function checkNames(name, topic) {
  if (!KEBAB_CASE.test(name)) refuse(`the name ${name} must be in kebab-case, like budget-monitor`);
  if (!TOPIC.test(topic) || topic === '.' || topic === '..')
    refuse(`the topic ${topic} must be made of letters, digits, ".", "_" and "-"`);
  if (topic.length > LONGEST_TOPIC) refuse(`the topic ${topic} must have at most ${LONGEST_TOPIC} characters`);
  if (OURS.test(topic)) refuse(`the topic ${topic} is one that the Worker writes itself`);
}

/** @param {string} table */
export function checkTable(table) {
  if (!TABLE.test(table)) refuse(`the table ${table} must be in snake_case, like daily_spend`);
}

/** @param {string} why @returns {never} */
export function refuse(why) {
  throw new SchematicsException(why);
}
