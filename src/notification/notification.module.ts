import { Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG, ConfigModule } from '../config/config.module.js';
import { ClockModule } from '../platform/clock.module.js';
import { Clock } from '../platform/clock.js';
import { DatabaseModule } from '../platform/database/database.module.js';
import { AlertIntake } from './alert-intake.js';
import { ChannelDeliveries } from './channel-deliveries.js';
import { DeliveryCounts } from './delivery-counts.js';
import { Dispatcher } from './dispatcher.js';
import { EmailChannel } from './email-channel.js';
import { NotificationChannel } from './notification-channel.js';
import { NotificationController } from './notification.controller.js';
import { DISPATCHERS, NotificationService } from './notification.service.js';
import { SlackChannel } from './slack-channel.js';

const CHANNELS = Symbol('CHANNELS');

/** The channels that are configured, a line each. */
function channelsOf({ notifications: { slackWebhookUrl, email } }: Config, clock: Clock): NotificationChannel[] {
  return [
    slackWebhookUrl === undefined ? [] : new SlackChannel(slackWebhookUrl, clock),
    email === undefined ? [] : new EmailChannel(email),
  ].flat();
}

/** Sends every alert to people. */
@Module({
  imports: [ConfigModule, DatabaseModule, ClockModule],
  controllers: [NotificationController],
  providers: [
    { provide: CHANNELS, inject: [CONFIG, Clock], useFactory: channelsOf },
    {
      provide: DeliveryCounts,
      inject: [CHANNELS],
      useFactory: (channels: NotificationChannel[]) => new DeliveryCounts(channels.map(({ name }) => name)),
    },
    {
      provide: AlertIntake,
      inject: [CONFIG, CHANNELS, DeliveryCounts, Clock],
      useFactory: ({ databaseUrl }: Config, channels: NotificationChannel[], counts: DeliveryCounts, clock: Clock) => {
        const names = channels.map(({ name }) => name);
        return new AlertIntake(databaseUrl, names, counts, clock);
      },
    },
    {
      provide: DISPATCHERS,
      inject: [CONFIG, CHANNELS, DeliveryCounts, Clock],
      useFactory: ({ databaseUrl }: Config, channels: NotificationChannel[], counts: DeliveryCounts, clock: Clock) =>
        channels.map(
          (channel) => new Dispatcher(channel, new ChannelDeliveries(databaseUrl, channel.name), counts, clock),
        ),
    },
    NotificationService,
  ],
  exports: [DeliveryCounts],
})
export class NotificationModule {}
