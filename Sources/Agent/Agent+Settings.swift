// SPDX-License-Identifier: Apache-2.0
package import Logging
package import Networks
package import Settings
package import Tensors

extension Agent {
    /// Loads the bundle, opens the source and prepares the link that the settings name; connects to nothing.
    ///
    /// - Parameter program: name and version, for the status topic.
    package convenience init(settings: AgentSettings, program: String, logger: Logger, outputs: Outputs) throws(AgentError) {
        let bundle = try Self.bundle(settings.bundle)
        let needsLink = settings.recovery.isEnabled || settings.output.publishes
        try self.init(
            settings: settings, bundle: bundle, source: settings.source.open(),
            link: needsLink ? DeviceCloudLink(settings, task: bundle.details.task, form: UploadForm(settings.recovery, bundle.details.recovery), agent: program) : nil, logger: logger, outputs: outputs)
    }

    /// The bundle of a file: what can't be read is a mistake of the configuration, what is read and isn't a bundle is bad data.
    private static func bundle(_ path: String) throws(AgentError) -> Bundle {
        do {
            return try Bundle(contentsOf: path)
        } catch {
            throw AgentError(error.code == .unreadable ? .configuration : .data, error.operation, error.cause)
        }
    }
}

extension UploadForm {
    /// What the settings say, else what the bundle says that the full model needs.
    package init(_ settings: AgentSettings.Recovery, _ measured: UploadDetails?) {
        self = measured?.form ?? .standard
        guard let quality = settings.jpegQuality else { return }
        if case .jpeg(_, let fullColour) = encoding { encoding = .jpeg(quality: quality, fullColour: fullColour) } else { encoding = .jpeg(quality: quality, fullColour: false) }
    }
}
