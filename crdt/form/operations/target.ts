/** How parts of a form are named: `form`, `pages/<id>`, `fields/<id>`, `fields/<id>/options/<id>`. */

/** Properties that hold text in several languages. */
export const TEXT_PROPERTIES = ['title', 'description', 'placeholder', 'label'] as const;
export type TextProperty = (typeof TEXT_PROPERTIES)[number];

export const TARGET =
  /^(form|pages\/[A-Za-z0-9_-]{1,64}|fields\/[A-Za-z0-9_-]{1,64}(\/(options|rows)\/[A-Za-z0-9_-]{1,64})?)$/;
export const TARGET_RULE = 'a target is form, pages/<id>, fields/<id> or fields/<id>/options/<id>';
