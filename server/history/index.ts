export { FormHistory, type ChangeFilter, type RecordedChange } from './form-history.js';
