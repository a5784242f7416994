import { CreateRoles1795500000001 } from '../../../migrations/1795500000001-create-roles.js';
import { CreateAdvertisersAndCampaigns1795500000002 } from '../../../migrations/1795500000002-create-advertisers-and-campaigns.js';
import { CreateLedger1795500000003 } from '../../../migrations/1795500000003-create-ledger.js';
import { CreatePostingFunction1795500000004 } from '../../../migrations/1795500000004-create-posting-function.js';
import { CreateTopUpFunction1795500000005 } from '../../../migrations/1795500000005-create-top-up-function.js';
import { CreateDeadLettersAndDeliveries1795500000006 } from '../../../migrations/1795500000006-create-dead-letters-and-deliveries.js';
import { CreateGroupStartsAndSettings1795500000007 } from '../../../migrations/1795500000007-create-group-starts-and-settings.js';
import { AddBudgetObservations1795500000008 } from '../../../migrations/1795500000008-add-budget-observations.js';
import { AddAlertGrouping1795500000009 } from '../../../migrations/1795500000009-add-alert-grouping.js';
import { CreatePostingMinutes1795500000010 } from '../../../migrations/1795500000010-create-posting-minutes.js';
import { FindDeadLettersByCause1795500000011 } from '../../../migrations/1795500000011-find-dead-letters-by-cause.js';
import { CreateChargingFunction1795500000012 } from '../../../migrations/1795500000012-create-charging-function.js';

/** All migrations, oldest first. Classes, not a glob: a path that matches nothing would migrate nothing, in silence. */
export const MIGRATIONS = [
  CreateRoles1795500000001,
  CreateAdvertisersAndCampaigns1795500000002,
  CreateLedger1795500000003,
  CreatePostingFunction1795500000004,
  CreateTopUpFunction1795500000005,
  CreateDeadLettersAndDeliveries1795500000006,
  CreateGroupStartsAndSettings1795500000007,
  AddBudgetObservations1795500000008,
  AddAlertGrouping1795500000009,
  CreatePostingMinutes1795500000010,
  FindDeadLettersByCause1795500000011,
  CreateChargingFunction1795500000012,
];
