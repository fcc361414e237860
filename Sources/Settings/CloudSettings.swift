// SPDX-License-Identifier: Apache-2.0

/// Everything that `swiftlet serve` is told by its configuration file.
package struct CloudSettings: Hashable, Sendable {
    /// Names the worker in topics, as MQTT client and in its certificate.
    package var worker: String
    /// Workers of one pool share the requests among them.
    package var pool = "workers"
    /// The path of the bundle with the full network.
    package var bundle: String
    /// The name that devices ask for.
    package var model = "default"
    /// Threads of one inference.
    package var threads = 1
    /// Requests that are computed at the same time.
    package var concurrency = 1
    /// Requests that are computed together at most, where that takes less time.
    package var batch = 8
    /// Requests that wait; one more is answered as busy.
    package var queue = 16
    package var broker = BrokerSettings(host: "localhost")

    package init(worker: String, bundle: String) {
        self.worker = worker
        self.bundle = bundle
    }

    init?(_ root: inout Section) {
        let worker = root.required("worker", .identifier)
        let pool = root.value("pool", .identifier, default: "workers")
        let (bundle, model, threads) = root.section("model") { section in
            (
                section.required("bundle", .path(from: section.findings.folder)), section.value("name", .modelName, default: "default"),
                section.value("threads", .integer(1...64), default: 1)
            )
        }
        self.init(worker: worker ?? "", bundle: bundle ?? "")
        self.pool = pool
        self.model = model
        self.threads = threads
        concurrency = root.value("concurrency", .integer(1...64), default: concurrency)
        batch = root.value("batch", .integer(1...64), default: batch)
        queue = root.value("queue", .integer(1...4096), default: queue)
        broker = root.section("broker") { BrokerSettings(&$0) }
        guard worker != nil, bundle != nil else { return nil }
    }
}
