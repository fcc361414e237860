// SPDX-License-Identifier: Apache-2.0
import Frames
import Glibc

/// A pipe whose ends close with the object.
///
/// `@unchecked Sendable`: a test writes to it from one task only.
final class BytePipe: @unchecked Sendable {
    let reading: Int32
    private var writing: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(unsafe pipe(&ends) == 0)
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        end()
    }

    /// Blocks when the pipe is full.
    func write(_ bytes: [UInt8]) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(writing, $0.baseAddress! + written, $0.count - written) }
            if count < 0 { return }
            written += count
        }
    }

    func end() {
        if writing >= 0 { close(writing) }
        writing = -1
    }
}

extension FrameSource {
    /// Everything that the source says until it ends.
    mutating func everything(_ stop: StopSignal) throws -> [FrameEvent] {
        var events: [FrameEvent] = []
        while true {
            let event = try next(stop)
            if case .ended = event { return events }
            events.append(event)
        }
    }
}

extension FrameEvent {
    var frame: Frame? { if case .frame(let frame) = self { frame } else { nil } }
    var damage: String? { if case .damaged(let reason) = self { reason } else { nil } }
}
