// SPDX-License-Identifier: Apache-2.0
import Foundation
import Frames
import Images
import TestSupport
import Testing

struct Y4MSourceTests {
    private let pipe = BytePipe()

    private static let header = Array("YUV4MPEG2 W4 H2 F25:1 Ip A1:1 C444 XCOLORRANGE=FULL\n".utf8)

    /// A grey frame of 4×2.
    private static func frame(_ level: UInt8, parameters: String = "") -> [UInt8] {
        Array("FRAME\(parameters)\n".utf8) + [UInt8](repeating: level, count: 8) + [UInt8](repeating: 128, count: 16)
    }

    private func events(_ bytes: [UInt8]) throws -> [FrameEvent] {
        pipe.write(bytes)
        pipe.end()
        var source = Y4MSource(descriptor: pipe.reading)
        return try source.everything(StopSignal())
    }

    @Test func framesComeInOrder() throws {
        let frames = try events(Self.header + Self.frame(1) + Self.frame(2, parameters: " Ip XTIME=3") + Self.frame(3)).compactMap(\.frame)
        #expect(frames.map(\.index) == [0, 1, 2])
        #expect(frames.map { $0.image.pixels[0] } == [1, 2, 3])
        #expect(frames.allSatisfy { $0.image.width == 4 && $0.image.height == 2 && $0.image.channels == 3 && $0.trueClass == nil })
    }

    @Test func aShortLastFrameIsCounted() throws {
        let events = try events(Self.header + Self.frame(1) + Self.frame(2).dropLast(5))
        #expect(events.count == 2)
        #expect(events[1].damage == "frame 1: the stream ends after 19 of 24 bytes")
    }

    /// Lost and added bytes cost the frames that they hit, and no more.
    @Test func theStreamIsFoundAgainAfterDamage() throws {
        let lost = Array(Self.frame(2).dropLast(5))
        let events = try events(Self.header + Self.frame(1) + lost + Self.frame(3) + Self.frame(4) + Array("junk FRAMEX FRAM".utf8) + Self.frame(5) + Self.frame(6))
        let frames = events.compactMap(\.frame)
        // The frame that lost bytes took its missing ones from the frame behind it.
        #expect(frames.map { $0.image.pixels[0] } == [1, 2, 4, 5, 6])
        #expect(events.compactMap(\.damage).count == 2)
        #expect(events.compactMap(\.damage).last == "frame 4: 16 bytes that belong to no frame")
        #expect(frames.map(\.index) == [0, 1, 3, 5, 6])
    }

    @Test func noStreamAtAllIsAnError() throws {
        let error = #expect(throws: FrameError.self) { try events([]) }
        #expect(error?.description == "read Y4M header: the stream is empty")
    }

    @Test func aStreamOfAnotherKindIsRefusedAtItsFirstByte() throws {
        pipe.write([0x00])
        var source = Y4MSource(descriptor: pipe.reading)
        let error = #expect(throws: FrameError.self) { try source.next(StopSignal()) }
        #expect(error?.cause == "the stream doesn't begin with YUV4MPEG2")
    }

    @Test func anEndlessFirstLineIsRefused() throws {
        let error = #expect(throws: FrameError.self) { try events(Self.header.dropLast() + [UInt8](repeating: 0x20, count: 5000)) }
        #expect(error?.cause == "the first line is longer than 4096 bytes")
    }

    @Test func aClosedDescriptorIsAnError() throws {
        var source = Y4MSource(descriptor: 1_000_000, name: "nothing")
        let error = #expect(throws: FrameError.self) { try source.next(StopSignal()) }
        #expect(error?.description == "read nothing: Bad file descriptor")
    }

    /// Before the header, between frames, and in the middle of one.
    @Test(arguments: [0, header.count, header.count + 10]) func aPipeThatIsStuckDoesNotDelayTheStop(count: Int) async throws {
        pipe.write(Array((Self.header + Self.frame(1))[..<count]))
        let slot = NewestFrame()
        let feed = try FrameFeed(Y4MSource(descriptor: pipe.reading), into: slot)
        feed.stop()
        #expect(feed.counts.hasEnded && feed.counts.failure == nil && feed.counts.damaged == 0)
    }

    @Test(arguments: [21, 22]) func damagedStreamsNeverTrapAndEnd(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let sound = Self.header + (0..<6).flatMap { Self.frame(UInt8($0)) }
        var outcomes = (frames: 0, damaged: 0, refused: 0)
        let stop = try StopSignal()
        for _ in 0..<400 {
            let pipe = BytePipe()
            pipe.write(generator.damaged(sound))
            pipe.end()
            var source = Y4MSource(descriptor: pipe.reading, limits: ImageLimits(maximumSide: 1000, maximumPixels: 100_000))
            do {
                for event in try source.everything(stop) {
                    if event.frame != nil { outcomes.frames += 1 } else { outcomes.damaged += 1 }
                }
            } catch {
                outcomes.refused += 1
            }
        }
        #expect(outcomes.frames > 0 && outcomes.damaged > 0 && outcomes.refused > 0, "seed \(seed): \(outcomes)")
    }

    /// ffmpeg's own test picture, against the same picture that ffmpeg converts to RGB itself.
    @Test(arguments: ["yuv420p", "yuv422p", "yuv444p", "gray", "yuvj420p"]) func readsWhatFfmpegWrites(format: String) throws {
        guard let ffmpeg = ["/usr/bin/ffmpeg", "/usr/local/bin/ffmpeg"].first(where: FileManager.default.isExecutableFile) else {
            print("skipped: no ffmpeg")
            return
        }
        let filter = "testsrc=size=97x55:rate=10:duration=0.5"
        let folder = TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: ffmpeg)
        process.arguments = [
            "-v", "error", "-f", "lavfi", "-i", filter, "-pix_fmt", format, "-strict", "-1", "-f", "yuv4mpegpipe", folder("stream.y4m"),
        ]
        try process.run()
        process.waitUntilExit()
        let stream = try #require(FileHandle(forReadingAtPath: folder("stream.y4m")))
        var source = Y4MSource(descriptor: stream.fileDescriptor)
        let events = try source.everything(StopSignal())
        try stream.close()
        let frames = events.compactMap(\.frame)
        #expect(events.count == 5 && frames.count == 5)
        #expect(source.header?.frameRate == 10 && source.header?.isFullRange == ["yuvj420p", "gray"].contains(format))
        let still = Process()
        still.executableURL = process.executableURL
        still.arguments = ["-v", "error", "-f", "lavfi", "-i", filter, "-frames:v", "1", "-pix_fmt", format == "gray" ? "gray" : "rgb24", folder("0.png")]
        try still.run()
        still.waitUntilExit()
        let expected = try Image.decode(file: folder("0.png")).image
        let image = try #require(frames.first).image
        #expect(image.width == 97 && image.height == 55 && image.channels == expected.channels)
        // Subsampled colour bleeds at edges; without subsampling every sample is close.
        let subsampled = format.contains("420") || format.contains("422")
        let close = zip(image.pixels, expected.pixels).count { abs(Int($0) - Int($1)) <= (subsampled ? 12 : 4) }
        #expect(Double(close) >= (subsampled ? 0.80 : 1) * Double(image.pixels.count), "\(close) of \(image.pixels.count)")
    }
}
