import { Module } from '@nestjs/common';
import { DatabaseModule } from '../platform/database/database.module.js';
import { KafkaModule } from '../platform/kafka/kafka.module.js';
import { OversizedLetterStore } from './oversized-letter-store.js';

/** Dead letters: keeps whole what is too large for its dead-letter topic. */
@Module({ imports: [DatabaseModule, KafkaModule], providers: [OversizedLetterStore] })
export class DlqModule {}
