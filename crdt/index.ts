/** The form as a CRDT: `formloom/crdt`. Runs in browsers and on servers alike. */
export * from './conflicts/index.js';
export * from './form/operations/apply-operations.js';
export * from './form/comparison/diff.js';
export * from './form/form-json.js';
export { allFields } from './form/all-fields.js';
export { completeForm, formIssues } from './form/checks/form-check.js';
export {
  fieldSchema,
  formSchema,
  idSchema,
  jsonSchema,
  jumpSchema,
  keySchema,
  languageSchema,
  optionSchema,
  pageSchema,
  ruleSchema,
  textsSchema,
  validationSchema,
} from './form/form-schema.js';
export { guard, recordChanges, type GuardWriter, type Refusal } from './form/guard/guard.js';
export { normalize } from './form/guard/normalize.js';
export { completeOperations } from './form/operations/complete-operations.js';
export { operationSchema } from './form/operations/operation-schema.js';
export * from './form/operations/operations.js';
export { isInScope } from './form/operations/place.js';
export { project } from './form/project.js';
export { reimport, seedForm, type ReimportOptions } from './form/comparison/reimport.js';
export { newerVersion, requireKnownVersion, SchemaNewerError } from './form/schema-gate.js';
export { inspectShape, type ShapeIssue } from './form/rules.js';
export { SCHEMA_VERSION } from './form/shape.js';
export { validateForm, type FormIssue } from './form/checks/validate.js';
export * from './logic/evaluate.js';
export { enrichText, markdownOf, parseRichText, writeRichText, type Block, type Run } from './rich-text/index.js';
export * from './submission/index.js';
