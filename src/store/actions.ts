/**
 * Every action that a store asks of its index, by name: what a process can ask another one to do.
 *
 * @module
 */

import { appendObjectAction } from './append-action.js';
import { configureBucketAction, createBucketAction, deleteBucketAction } from './bucket-actions.js';
import { deleteObjectsAction, publishObject, replaceTagsAction } from './object-actions.js';
import { renameObjectAction } from './rename-action.js';
import { forgetGarbageAction } from './system-actions.js';
import {
  abortUploadAction,
  completeUploadAction,
  createUploadAction,
  putPartAction,
} from './upload-actions.js';

export const ACTIONS = {
  abortUploadAction,
  appendObjectAction,
  completeUploadAction,
  configureBucketAction,
  createBucketAction,
  createUploadAction,
  deleteBucketAction,
  deleteObjectsAction,
  forgetGarbageAction,
  publishObject,
  putPartAction,
  renameObjectAction,
  replaceTagsAction,
} as const;
