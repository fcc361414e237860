// SPDX-License-Identifier: Apache-2.0
package import Frames
internal import Glibc
package import Settings

extension AgentSettings.Source {
    /// Opens the source. A stream that is a file stays open until the program ends.
    package func open() throws(AgentError) -> any FrameSource {
        switch self {
        case .folder(let path, let watch):
            do {
                return try FolderSource(path: path, mode: watch ? .watch : .once)
            } catch {
                throw AgentError(.configuration, error.operation, error.cause)
            }
        case .y4m("-"):
            return Y4MSource(descriptor: 0)
        case .y4m(let path):
            let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw AgentError(.configuration, "open \(path)", unsafe String(cString: strerror(errno))) }
            return Y4MSource(descriptor: descriptor, name: path)
        case .flight(let seed, let framesPerSecond, let frames):
            return FlightSource(seed: seed, framesPerSecond: framesPerSecond, limit: frames)
        }
    }
}
