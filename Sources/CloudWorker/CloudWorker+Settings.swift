// SPDX-License-Identifier: Apache-2.0
internal import Inference
package import Logging
internal import Messaging
internal import Networks
package import Settings
internal import Wire

extension CloudWorker {
    /// The worker that a configuration file describes, with the network of its bundle.
    ///
    /// - Throws: where the bundle can't be read (`BundleError`) or has no labels to agree on, or a name has another form than the
    ///   protocol's (`ModelFault`).
    package convenience init(_ settings: CloudSettings, agent: String, log: Logger) throws {
        let bundle = try Bundle(contentsOf: settings.bundle)
        guard let worker = ClientID(settings.worker), let pool = ClientID(settings.pool), let model = ModelName(settings.model),
            let task = DigestText(bundle.details.task)
        else { throw ModelFault(.network, "set up the worker", "a name in the configuration has another form than the protocol's") }
        guard !bundle.details.labels.isEmpty else {
            throw ModelFault(.network, "read \(settings.bundle)", "it has no labels, so that devices can't tell whether their classes are the same")
        }
        let link = WorkerLink.Settings(
            worker: worker, pool: pool, model: model, task: task, digest: DigestText(bundle.details.weightsDigest), capacity: 1,
            broker: BrokerOptions(settings.broker), agent: agent)
        var generator = SystemRandomNumberGenerator()
        let options = ExecutorOptions(threads: settings.threads, lanes: settings.batch)
        try self.init(
            Settings(link: link, concurrency: settings.concurrency, queue: settings.queue), boot: .random(using: &generator), log: log
        ) { () throws(ModelFault) in
            let model = try BundleModel(bundle, options: options)
            if let warning = model.warning { log.warning("\(bundle.details.name): \(warning)") }
            if let node = model.firstSharedNode { log.info("\(bundle.details.name): up to \(model.lanes) requests may be computed together, from '\(node)' on") }
            return model
        }
    }
}
