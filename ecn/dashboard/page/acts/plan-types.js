/** Plans as the controller tells them: ecn/api/plan_documents.py and deploy_documents.py. */

/** @import { ProblemDocument } from '../core/types.js' */

/**
 * @typedef {object} PlannedField
 * @property {string} field
 * @property {unknown} before
 * @property {unknown} after
 */

/**
 * @typedef {object} PlannedEvent
 * @property {string} type
 * @property {string} subject `<kind>/<name>`
 * @property {string} says
 * @property {PlannedField[]} fields
 */

/**
 * @typedef {object} PlannedChange
 * @property {string} about `<kind>/<name>`
 * @property {'created' | 'updated' | 'deleted' | 'unchanged' | 'refused'} word
 * @property {PlannedEvent[]} events
 * @property {ProblemDocument | null} problem
 */

/**
 * @typedef {object} ContainerAction
 * @property {string} microservice `<application>/<name>`
 * @property {'create' | 'replace' | 'start' | 'restart' | 'stop' | 'remove' | 'configure' | 'nothing'} action
 * @property {string[]} because
 * @property {string} says
 * @property {string} moves_from
 * @property {string} moves_to
 */

/**
 * @typedef {object} PlannedNode
 * @property {string} name
 * @property {string} state
 * @property {ContainerAction[]} actions
 */

/**
 * @typedef {object} Caution
 * @property {string} code
 * @property {string} about
 * @property {string} says
 * @property {string} next_step
 */

/**
 * @typedef {object} Plan
 * @property {number} position
 * @property {boolean} [stale]
 * @property {PlannedChange[]} changes
 * @property {PlannedNode[]} nodes
 * @property {Caution[]} warnings
 * @property {{created: number, updated: number, deleted: number, refused: number,
 *     containers: Record<string, number>}} totals
 */

/**
 * Why a text can't be used.
 * @typedef {object} Fault
 * @property {string} source
 * @property {number} line from 1
 * @property {number} column from 1
 * @property {string} says
 */

export {};
