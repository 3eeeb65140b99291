'use strict'
/** The Raft engine reads one constant through a module that extends this class; nothing of it runs. */
exports.Controller = class Controller {}
