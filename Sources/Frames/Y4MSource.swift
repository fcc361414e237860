// SPDX-License-Identifier: Apache-2.0
package import Images

/// A YUV4MPEG2 stream, as ffmpeg and GStreamer write it, from a pipe, a socket or a file.
///
/// Where the bytes don't go on with a frame, everything up to the next `FRAME` line counts as one damaged frame.
package struct Y4MSource: FrameSource {
    package let isLive: Bool
    /// Known once the first frame was asked for.
    package private(set) var header: Y4MHeader?

    private let limits: ImageLimits
    private var stream: ByteStream
    private var conversion = YCbCr(isFullRange: false)
    private var index: UInt64 = 0
    /// The line of the next frame was read already.
    private var isAtFrame = false

    /// - Parameters:
    ///   - descriptor: stays open when the source goes; 0 is standard input.
    ///   - name: names the stream in errors.
    package init(descriptor: Int32, name: String = "standard input", limits: ImageLimits = .standard) {
        stream = ByteStream(descriptor: descriptor, name: name)
        isLive = stream.isLive
        self.limits = limits
    }

    package mutating func next(_ stop: StopSignal) throws(FrameError) -> FrameEvent {
        guard let header = try readHeader(stop) else { return .ended }
        if !isAtFrame {
            switch try findFrame(stop) {
            case .found(skipping: 0): break
            case .found(let skipped):
                isAtFrame = true
                index += 1
                return .damaged("frame \(index - 1): \(skipped) bytes that belong to no frame")
            case .over(0), .stopped: return .ended
            case .over(let skipped): return .damaged("frame \(index): the stream ends with \(skipped) bytes that belong to no frame")
            }
        }
        isAtFrame = false
        switch try stream.block(of: header.frameCount, stop) {
        case .stopped: return .ended
        case .over(let count): return .damaged("frame \(index): the stream ends after \(count) of \(header.frameCount) bytes")
        case .bytes(let planes):
            defer { index += 1 }
            return .frame(Frame(index: index, captured: .now, image: conversion.image(planes, header: header), name: "\(index)"))
        }
    }

    /// Reads the first line, at most 4,096 bytes, once. `nil` when asked to stop.
    private mutating func readHeader(_ stop: StopSignal) throws(FrameError) -> Y4MHeader? {
        if let header { return header }
        var line: [UInt8] = []
        while true {
            switch try stream.next(stop) {
            case .stopped: return nil
            case .byte(UInt8(ascii: "\n")):
                let header = try Y4MHeader(line, limits: limits)
                conversion = YCbCr(isFullRange: header.isFullRange)
                self.header = header
                return header
            case .byte(let byte) where line.count < 4096 && Self.agrees(byte, at: line.count): line.append(byte)
            case .byte:
                throw FrameError(
                    .badHeader, "read Y4M header",
                    line.count < 4096 ? "the stream doesn't begin with \(Y4MHeader.magic)" : "the first line is longer than 4096 bytes")
            case .over:
                throw FrameError(
                    line.isEmpty ? .empty : .badHeader, "read Y4M header", line.isEmpty ? "the stream is empty" : "the stream ends within the first line")
            }
        }
    }

    private static func agrees(_ byte: UInt8, at position: Int) -> Bool {
        position >= Y4MHeader.magic.utf8.count || Array(Y4MHeader.magic.utf8)[position] == byte
    }

    private enum Search {
        case found(skipping: Int)
        case over(Int)
        case stopped
    }

    /// Reads up to the end of the next line that begins with `FRAME`; its parameters are passed over, and may take 1,024 bytes.
    private mutating func findFrame(_ stop: StopSignal) throws(FrameError) -> Search {
        let magic = Array("FRAME".utf8)
        var matched = 0
        var parameters = 0
        var consumed = 0
        while true {
            let byte: UInt8
            switch try stream.next(stop) {
            case .byte(let next): byte = next
            case .over: return .over(consumed)
            case .stopped: return .stopped
            }
            consumed += 1
            if matched < magic.count {
                matched = byte == magic[matched] ? matched + 1 : byte == magic[0] ? 1 : 0
            } else if byte == UInt8(ascii: "\n") {
                return .found(skipping: consumed - magic.count - parameters - 1)
            } else if parameters > 0 || byte == UInt8(ascii: " "), parameters < 1024 {
                parameters += 1
            } else {
                matched = byte == magic[0] ? 1 : 0
                parameters = 0
            }
        }
    }
}
