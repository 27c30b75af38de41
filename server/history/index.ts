export { FormHistory, type ChangeFilter, type RecordedChange } from './form-history.js';
export { movedEntry, type MovedLog } from './moved-entry.js';
