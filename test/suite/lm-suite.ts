// The contract of every ChoiceLM: each subclass runs all of it.

import type { Test } from 'tap';
import { chooseSuite } from './choose-suite.js';
import { completeSuite } from './complete-suite.js';
import { greedySuite } from './greedy-suite.js';
import { lifecycleSuite } from './lifecycle-suite.js';
import type { Subject } from './subject.js';

export function lmSuite(t: Test, subject: Subject): void {
  greedySuite(t, subject);
  completeSuite(t, subject);
  chooseSuite(t, subject);
  lifecycleSuite(t, subject);
}
