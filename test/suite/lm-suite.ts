// The contract of every LM: each class runs all suites, except for features that it lacks.

import type { Test } from 'tap';
import { beamSuite } from './beam-suite.js';
import { chooseDetailsSuite } from './choose-details-suite.js';
import { chooseHealedSuite } from './choose-healed-suite.js';
import { chooseManySuite } from './choose-many-suite.js';
import { choosePriorSuite } from './choose-prior-suite.js';
import { chooseSearchSuite } from './choose-search-suite.js';
import { chooseSuite } from './choose-suite.js';
import { completeManySuite } from './complete-many-suite.js';
import { completeSuite } from './complete-suite.js';
import { decideSuite } from './decide-suite.js';
import { evaluateSuite } from './evaluate-suite.js';
import { greedySuite } from './greedy-suite.js';
import { lifecycleSuite } from './lifecycle-suite.js';
import { streamSuite } from './stream-suite.js';
import { has, type Subject } from './subject.js';

export function lmSuite(t: Test, subject: Subject): void {
  greedySuite(t, subject);
  completeSuite(t, subject);
  streamSuite(t, subject);
  if (has(subject, 'completeMany')) completeManySuite(t, subject);
  if (has(subject, 'beamSearch')) beamSuite(t, subject);
  chooseSuite(t, subject);
  chooseSearchSuite(t, subject);
  choosePriorSuite(t, subject);
  if (has(subject, 'boundaries')) chooseHealedSuite(t, subject);
  if (has(subject, 'details')) chooseDetailsSuite(t, subject);
  chooseManySuite(t, subject);
  if (has(subject, 'decide')) decideSuite(t, subject);
  if (has(subject, 'evaluate')) evaluateSuite(t, subject);
  lifecycleSuite(t, subject);
}
