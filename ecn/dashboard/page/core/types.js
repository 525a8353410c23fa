/**
 * What the controller tells the page: the shapes of ecn/dashboard/documents.py, which omits what has
 * its default. Times are RFC 3339 texts; positions are numbers of the log.
 */

/**
 * @typedef {object} Node
 * @property {string} id
 * @property {string} name
 * @property {'registered' | 'online' | 'offline'} state
 * @property {string} since when it came into that state
 * @property {string} [offline_reason]
 * @property {string} [description]
 * @property {Record<string, string>} [labels]
 * @property {string[]} [tags]
 * @property {string} [location]
 * @property {number} [latitude]
 * @property {number} [longitude]
 * @property {boolean} [system]
 * @property {string} [agent_version]
 * @property {string} [architecture]
 * @property {string} [operating_system]
 * @property {string} [engine_version]
 * @property {string[]} [problems] what its device says is wrong with it
 * @property {number} [cpus]
 * @property {number} [memory_mib]
 * @property {number} [disk_mib]
 * @property {string} created_at
 * @property {string} updated_at
 */

/**
 * @typedef {object} Microservice
 * @property {string} id
 * @property {string} name
 * @property {string} application_id
 * @property {string} node_id
 * @property {string} [image] the one that suits its node
 * @property {boolean} [started] true unless told
 * @property {string} state of its container: queued, waiting, pulling, starting, running, backing-off,
 *     exited, stopped, failed, unknown
 * @property {string} [reason]
 * @property {number} [exit_code]
 * @property {string} [health] starting, healthy, unhealthy
 * @property {number} [restarts]
 * @property {string} at when it came into that state, by its device's clock
 * @property {boolean} [current] whether the state is of the revision that is wanted now
 * @property {{host: number, container: number, public?: object | null}[]} [ports]
 * @property {number} revision
 * @property {string} created_at
 * @property {string} updated_at
 */

/**
 * @typedef {object} Application
 * @property {string} id
 * @property {string} name
 * @property {string} [description]
 * @property {Record<string, string>} [labels]
 * @property {boolean} [started] true unless told
 * @property {boolean} [system]
 * @property {'running' | 'stopped' | 'progressing' | 'failing'} state
 * @property {string} created_at
 * @property {string} updated_at
 */

/**
 * @typedef {object} Route
 * @property {string} id
 * @property {string} name
 * @property {string} application_id
 * @property {string} [source_id] none: any microservice of the application
 * @property {string} [destination_id] none: upstream
 * @property {string} [output]
 * @property {string} [input]
 * @property {string} [condition]
 * @property {number} [priority]
 * @property {number} [ttl] seconds; none: as its nodes say; 0: for ever
 * @property {boolean} [durable] true unless told
 * @property {boolean} [twin_changes]
 * @property {string} [webhook]
 * @property {string} created_at
 * @property {string} updated_at
 */

/**
 * Of all other kinds, as /api/v1 shows them: registries, catalog items, templates, edge resources,
 * volumes, the network.
 * @typedef {{id: string, name: string} & Record<string, unknown>} Thing
 */

/**
 * @typedef {object} Rows
 * @property {Node} nodes
 * @property {Application} applications
 * @property {Microservice} microservices
 * @property {Route} routes
 * @property {Thing} registries
 * @property {Thing} catalog_items
 * @property {Thing} templates
 * @property {Thing} edge_resources
 * @property {Thing} volumes
 * @property {Thing} network
 */

/** @typedef {keyof Rows} Kind */

/**
 * An event in brief; its data is in /api/v1/events.
 * @typedef {object} EventLine
 * @property {number} position
 * @property {string} time
 * @property {string} type
 * @property {string} subject `<kind>/<id>`
 * @property {string} [subject_name]
 * @property {string} actor_name
 * @property {string} command_id
 * @property {string} correlation_id
 * @property {EventData} [data] the few fields of it that say the most
 */

/**
 * Named as in the event itself: see ecn/dashboard/brief.py.
 * @typedef {object} EventData
 * @property {string} [name]
 * @property {string} [role]
 * @property {string} [reason]
 * @property {string} [node_id] another node than the subject
 * @property {{state?: string, reason?: string, exit_code?: number | null, health?: string,
 *     repeats?: number}} [status]
 * @property {Record<string, unknown>} [facts]
 * @property {{image?: string}} [spec]
 * @property {string} [instruction]
 * @property {string | number} [version]
 * @property {string} [outcome]
 * @property {string} [detail]
 * @property {string} [key]
 * @property {boolean | null} [enabled]
 * @property {string} [kind]
 * @property {number | null} [exit_code]
 * @property {number | null} [messages]
 */

/**
 * What changed up to a position, since the position before: whole rows, by kind.
 * @typedef {object} Frame
 * @property {number} position
 * @property {string} [time] of the last event
 * @property {{[K in Kind]?: Rows[K][]}} [put]
 * @property {{[K in Kind]?: string[]}} [drop] ids
 * @property {EventLine[]} [events] the oldest first
 */

/**
 * Numbers are rounded, so that noise is no news.
 * @typedef {object} NodeUsage
 * @property {string} [at] when it was heard last, give or take twenty seconds
 * @property {number} [cpu_percent]
 * @property {number} [memory_available_mib]
 * @property {number} [disk_free_mib]
 * @property {number} [agent_cpu_percent]
 * @property {number} [agent_memory_mib]
 */

/**
 * @typedef {object} ContainerUsage
 * @property {number} [cpu_percent]
 * @property {number} [memory_mib]
 * @property {number} [pull_percent]
 */

/**
 * @typedef {object} Flow
 * @property {string} state up, waiting, refusing, unknown
 * @property {string} [reason]
 * @property {number} [stored] messages
 * @property {number} [stored_bytes]
 * @property {number} [rate_in] per second
 * @property {number} [rate_out]
 * @property {number} [dropped]
 */

/**
 * What is not in the log: of now only. A part names just what changed since the one before.
 * @typedef {object} Telemetry
 * @property {Record<string, NodeUsage>} [nodes]
 * @property {Record<string, ContainerUsage>} [microservices]
 * @property {Record<string, Flow>} [routes]
 * @property {{state: string, reason?: string}} [interior_router] none, up, down, unknown
 */

/**
 * All that is at a position.
 * @typedef {Frame & {stale?: boolean, telemetry?: Telemetry, version?: string}} Snapshot
 */

/**
 * How the controller is that answers: a log that is away makes what it says stale.
 * @typedef {{stale: boolean, version: string}} StatusPart
 */

/**
 * A film: `next` is what to go on with as `after`; null at the end.
 * @typedef {{frames: Frame[], next: number | null}} Frames
 */

/**
 * Positions evenly over the log, the first and the last among them.
 * @typedef {{position: number, first_time?: string,
 *     points: {position: number, time: string}[]}} Timeline
 */

/**
 * @typedef {object} Session
 * @property {string} user
 * @property {'viewer' | 'operator' | 'admin'} role
 * @property {string} csrf_token for the header X-CSRF-Token of whatever changes something
 * @property {string} [expires_at]
 */

/**
 * RFC 9457, as every refusal is.
 * @typedef {object} ProblemDocument
 * @property {string} title
 * @property {number} status
 * @property {string} code
 * @property {string} [detail]
 * @property {string} [next_step]
 * @property {string} [field]
 */

/**
 * What a command led to.
 * @typedef {object} Changed
 * @property {number} position
 * @property {string} command_id
 * @property {string} subject
 * @property {string[]} events types
 */

export {};
