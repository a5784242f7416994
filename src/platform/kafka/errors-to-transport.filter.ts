import { Catch, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { throwError, type Observable } from 'rxjs';

/**
 * Hands a handler's error to the transport as it is; Nest's own filter would make it `{ status: 'error' }`. Filters that a
 * team sets on its controllers come first.
 */
@Catch()
export class ErrorsToTransportFilter extends BaseExceptionFilter {
  // Nest's type says void, its RPC side takes the stream.
  override catch(error: unknown, host: ArgumentsHost): Observable<never> {
    if (host.getType() === 'rpc') return throwError(() => error);
    super.catch(error, host);
    return undefined as never;
  }
}
