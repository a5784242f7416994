import { describe, expect, it } from 'vitest';
import { emailFailure } from './email-failure.js';

const error = (fields: object): Error => Object.assign(new Error('said'), fields);
const isPermanent = (fields: object): boolean => emailFailure(error(fields), (said) => said).isPermanent;

describe('an error of SMTP', () => {
  it.each([
    ['no such mailbox', { code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550 }],
    ['a sender that is refused', { code: 'EENVELOPE', command: 'MAIL FROM', responseCode: 553 }],
    ['content that is refused', { code: 'EMESSAGE', command: 'DATA', responseCode: 554 }],
  ])('is for ever: %s', (_what, fields) => {
    expect(isPermanent(fields)).toBe(true);
  });

  it.each([
    ['a greylisted recipient', { code: 'EENVELOPE', command: 'RCPT TO', responseCode: 450 }],
    ['a full disk', { code: 'EMESSAGE', command: 'DATA', responseCode: 452 }],
    ['a server that closes', { code: 'ECONNECTION', command: 'CONN', responseCode: 421 }],
    ['bad sequence', { code: 'EENVELOPE', command: 'MAIL FROM', responseCode: 503 }],
    ['no greeting', { code: 'ETIMEDOUT', command: 'CONN' }],
    ['nobody listens', { code: 'ESOCKET', originalCode: 'ECONNREFUSED', command: 'CONN' }],
    ['no such host', { code: 'EDNS', command: 'CONN' }],
    ['a certificate that is not trusted', { code: 'ETLS', command: 'STARTTLS' }],
    ['given up', { code: 'EABORT' }],
    // About our configuration, not about the mail.
    ['a wrong password', { code: 'EAUTH', command: 'AUTH PLAIN', responseCode: 535 }],
    ['a login that is missing', { code: 'EENVELOPE', command: 'MAIL FROM', responseCode: 530 }],
    ['a refused client', { code: 'EPROTOCOL', command: 'CONN', responseCode: 554 }],
  ])('passes: %s', (_what, fields) => {
    expect(isPermanent(fields)).toBe(false);
  });

  it('is told in the words that are left of it', () => {
    expect(emailFailure(error({}), (said) => said.toUpperCase()).message).toBe('SAID');
    expect(emailFailure('text', (said) => said).message).toBe('text');
  });
});
