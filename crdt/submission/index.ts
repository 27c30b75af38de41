/** Answer sheets as a CRDT: reading, writing, logic, validation, progress. Runs in browsers and on servers alike. */
export {
  accepts,
  checkAnswer,
  isBlank,
  isFile,
  ISSUE_CODES,
  type AnswerFinding,
  type FileAnswer,
  type IssueCode,
} from './answer-check.js';
export * from './answer-sheet.js';
export * from './inspect-sheet.js';
export * from './migrate-answers.js';
export { guardSheet } from './sheet-guard.js';
export {
  evaluateSheet,
  isRepeating,
  sheetFields,
  takesAnswer,
  type SheetPart,
  type SheetState,
} from './sheet-logic.js';
