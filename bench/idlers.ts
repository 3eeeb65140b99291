import { Worker } from 'node:worker_threads'
import { waitFor } from '../src/testing/wait-for.js'

/** What the thread is given. Sessions take the accounts in turn; their password is secret1. */
export interface IdlersData {
  port: number
  count: number
  accounts: readonly string[]
}

/** What it tells: sessions that are bound, and enquire_link that they answered, so far. */
export interface IdlersNews {
  bound: number
  asked: number
}

/** Sessions that are bound and idle, in a thread of their own. */
export class Idlers {
  private readonly worker: Worker
  private news: IdlersNews = { bound: 0, asked: 0 }

  /** Resolves when all of them are bound. */
  static async bound(port: number, count: number, accounts: readonly string[]): Promise<Idlers> {
    const idlers = new Idlers({ port, count, accounts })
    try {
      await waitFor('all idle sessions are bound', () => idlers.news.bound === count, {
        timeoutMs: 600_000,
        detail: () => `${idlers.news.bound} are`,
      })
    } catch (error) {
      await idlers.terminate()
      throw error
    }
    return idlers
  }

  private constructor(data: IdlersData) {
    this.worker = new Worker(new URL('./idlers-thread.js', import.meta.url), { workerData: data })
    this.worker.on('message', news => (this.news = news as IdlersNews))
  }

  /** enquire_link answered so far. */
  get asked(): number {
    return this.news.asked
  }

  async terminate(): Promise<void> {
    await this.worker.terminate()
  }
}
