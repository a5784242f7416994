import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A private CA, and a certificate of it for 127.0.0.1 and for no name, as files in PEM. */
export class Certificates {
  private readonly folder = mkdtempSync(join(tmpdir(), 'click-worker-certificates-'));
  readonly ca = join(this.folder, 'ca.pem');
  readonly cert = join(this.folder, 'server.pem');
  readonly key = join(this.folder, 'server.key');
  /** Both in one file, as Kafka wants them. */
  readonly keyAndCert = join(this.folder, 'key-and-cert.pem');

  constructor() {
    const at = (name: string): string => join(this.folder, name);
    const [caKey, request, extensions] = [at('ca.key'), at('server.csr'), at('extensions')];
    const days = ['-days', '2'];
    openssl('req', '-x509', ...EC_KEY, '-keyout', caKey, '-out', this.ca, ...days, '-subj', '/CN=Private CA');
    openssl('req', ...EC_KEY, '-keyout', this.key, '-out', request, '-subj', '/CN=server');
    writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1\n');
    const signedBy = ['-CA', this.ca, '-CAkey', caKey, '-CAcreateserial', '-extfile', extensions];
    openssl('x509', '-req', '-in', request, '-out', this.cert, ...days, ...signedBy);
    writeFileSync(this.keyAndCert, Buffer.concat([readFileSync(this.key), readFileSync(this.cert)]));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
