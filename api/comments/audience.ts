/** Who is told of what happens in a thread, or to a form. */
import { mentionsIn, type CommentJson, type StoredThread } from '../../crdt/comments/index.js';
import { identityOf, type Principal } from '../../server/auth/index.js';
import type { Logger } from 'pino';
import type { Notice, Notifier, Subscriptions } from '../notifications/index.js';

export class Audience {
  constructor(
    private readonly notifier: Notifier,
    private readonly subscriptions: Subscriptions,
    private readonly logger: Logger,
  ) {}

  /** A comment: those it mentions, then everybody who takes part or follows. */
  async commented(actor: Principal, thread: StoredThread, commentId: string, body: string): Promise<void> {
    const mentioned = mentionsIn(body);
    const others = (await this.#concerned(thread)).filter((userId) => !mentioned.includes(userId));
    const about = { ...aboutOf(actor, thread), commentId, text: body };
    await this.#tell(mentioned.map((userId) => ({ ...about, userId, reason: 'mention' })));
    await this.#tell(others.map((userId) => ({ ...about, userId, reason: 'reply' })));
  }

  /** An edit of a comment: those whom it did not mention before. */
  async edited(actor: Principal, thread: StoredThread, commentId: string, before: string, body: string): Promise<void> {
    const known = mentionsIn(before);
    const fresh = mentionsIn(body).filter((userId) => !known.includes(userId));
    const about = { ...aboutOf(actor, thread), commentId, text: body };
    await this.#tell(fresh.map((userId) => ({ ...about, userId, reason: 'mention' })));
  }

  async assigned(actor: Principal, thread: StoredThread, assignee: string): Promise<void> {
    await this.#tell([{ ...aboutOf(actor, thread), ...quoteOf(thread), userId: assignee, reason: 'assigned' }]);
  }

  async resolved(actor: Principal, thread: StoredThread): Promise<void> {
    const about = { ...aboutOf(actor, thread), ...quoteOf(thread) };
    await this.#tell((await this.#concerned(thread)).map((userId) => ({ ...about, userId, reason: 'resolved' })));
  }

  /** A new version of a form: those who follow the form. */
  async published(actor: Principal, formId: string, version: number): Promise<void> {
    const about = { actor: identityOf(actor), formId, text: `Version ${version} was published.` };
    const followers = await this.subscriptions.followers(formId);
    await this.#tell(followers.map((userId) => ({ ...about, userId, reason: 'published' })));
  }

  /** Authors, the assignee, and who follows the thread or the form. */
  async #concerned({ id, formId, assignee, createdBy, comments }: StoredThread): Promise<string[]> {
    const authors = comments.filter(({ deletedAt }) => deletedAt === null).map(({ author }) => author.id);
    const followers = await this.subscriptions.followers(formId, id);
    return [...new Set([createdBy, ...authors, ...(assignee === null ? [] : [assignee]), ...followers])];
  }

  async #tell(notices: readonly Notice[]): Promise<void> {
    const outcomes = await Promise.allSettled(notices.map((notice) => this.notifier.notify(notice)));
    for (const [index, outcome] of outcomes.entries()) {
      // What was said stands already, and the others are told.
      if (outcome.status === 'fulfilled') continue;
      const { userId, reason, formId, threadId } = notices[index] ?? {};
      this.logger.error({ err: outcome.reason, user: userId, reason, formId, threadId }, 'a notification failed');
    }
  }
}

function aboutOf(actor: Principal, thread: StoredThread): Pick<Notice, 'actor' | 'formId' | 'threadId'> {
  return { actor: identityOf(actor), formId: thread.formId, threadId: thread.id };
}

/** What the thread is about. With the comment that says so, for when that is deleted. */
function quoteOf(thread: StoredThread): Pick<Notice, 'commentId' | 'text'> {
  const opening = openingOf(thread);
  return opening === undefined ? { text: '' } : { commentId: opening.id, text: opening.body };
}

/** The first comment that stands. */
export const openingOf = ({ comments }: StoredThread): CommentJson | undefined =>
  comments.find(({ deletedAt }) => deletedAt === null);
