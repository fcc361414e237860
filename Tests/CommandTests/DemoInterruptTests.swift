// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Rehearsal
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct DemoInterruptTests {
        /// The children of a process with their start times, which tell them from later processes of the same number.
        private func children(of parent: Int32) -> [(id: Int32, name: String, start: String)] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.compactMap { Int32($0) }.compactMap { id in
                guard let (name, fields) = stat(of: id), fields.count > 19, fields[1] == "\(parent)" else { return nil }
                return (id, name, fields[19])
            }
        }

        /// A process' name, and its fields in /proc/ID/stat behind it (proc(5)).
        private func stat(of id: Int32) -> (String, [String])? {
            guard let data = FileManager.default.contents(atPath: "/proc/\(id)/stat") else { return nil }
            let text = String(decoding: data, as: UTF8.self)
            guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return nil }
            return (String(text[open...close].dropFirst().dropLast()), text[close...].dropFirst().split(whereSeparator: \.isWhitespace).map(String.init))
        }

        @Test(arguments: [SIGINT, SIGTERM]) func anInterruptedDemoLeavesNothingBehind(_ signal: CInt) async throws {
            let temporary = TemporaryFolder()
            let demo = try Program("swiftlet", ["demo", "--seconds", "70"], environment: ["TMPDIR": temporary.path])
            try await demo.output { $0.contains("frames") && $0.contains("local") }
            let children = children(of: demo.processID)
            #expect(children.contains { $0.name == "mosquitto" } && children.contains { $0.name == "swiftlet" }, "\(children)")
            demo.kill(signal)
            #expect(try await demo.ending() == .exited(130))
            for child in children { #expect(stat(of: child.id)?.1[19] != child.start, "\(child) still runs") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path).isEmpty)
        }

        @Test func aWholeDemoPrintsOneObjectAndLeavesNoFrameUndecided() async throws {
            let outcome = try await tool(["demo", "--seconds", "14", "--json"])
            #expect(outcome.ending == .exited(0) && outcome.output.count == 1, "\(outcome)")
            let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.joined().utf8)) as? [String: Any])
            let phases = try #require(object["phases"] as? [[String: Any]])
            #expect(phases.count == 7 && phases.allSatisfy { $0["undecided"] as? Int == 0 && $0["frames"] as? Int == $0["decisions"] as? Int }, "\(phases)")
        }
    }
}
