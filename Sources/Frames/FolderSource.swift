// SPDX-License-Identifier: Apache-2.0
internal import Images

/// The JPEG and PNG files of a folder: those that are there, once, or those that appear.
package struct FolderSource: FrameSource {
    package enum Mode: Hashable, Sendable {
        /// Every file that is there, by name; then the source ends.
        case once
        /// Every file that is closed after writing, or renamed into the folder, from now on. Where several have come, all but the newest are
        /// skipped unread.
        case watch
    }

    private let path: String
    private let watch: FolderWatch?
    private var pending: ArraySlice<String>
    private var index: UInt64 = 0

    /// Throws where the folder can't be read or, with `.once`, holds no image.
    package init(path: String, mode: Mode) throws(FrameError) {
        self.path = path
        switch mode {
        case .watch:
            watch = try FolderWatch(path: path)
            pending = []
        case .once:
            watch = nil
            do throws(ImageError) {
                pending = try FolderListing.names(of: path).filter(ImageFormat.isImageName)[...]
            } catch {
                throw FrameError(.unreadable, error.operation, error.cause)
            }
            if pending.isEmpty { throw FrameError(.empty, "open \(path)", "there is no JPEG or PNG file") }
        }
    }

    package var isLive: Bool { watch != nil }

    package mutating func next(_ stop: StopSignal) throws(FrameError) -> FrameEvent {
        if let watch {
            while pending.isEmpty {
                guard stop.wait(for: watch.descriptor) == .readable else { return .ended }
                switch try watch.read() {
                case .names(let names): pending += names.filter(ImageFormat.isImageName)
                case .overflowed: return .damaged("watch \(path): more files came than the system remembers; some are missed")
                }
            }
            if pending.count > 1 {
                let skipped = pending.count - 1
                pending = pending.suffix(1)
                index += UInt64(skipped)
                return .skipped(skipped)
            }
        }
        guard let name = pending.popFirst() else { return .ended }
        defer { index += 1 }
        do throws(ImageError) {
            let image = try Image.decode(file: "\(path)/\(name)").image
            return .frame(Frame(index: index, captured: .now, image: image, name: name))
        } catch {
            return .damaged(error.description)
        }
    }
}
