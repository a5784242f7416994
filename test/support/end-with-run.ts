// Each of Vitest's own workers runs this first: one that lives on after the run was killed would run its file to the end.
import { endWithParent } from './end-with-parent.js';

endWithParent();
