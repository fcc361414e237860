// SPDX-License-Identifier: Apache-2.0
import Planning
import Settings
import Testing

/// The files of `Config/policies/`: each loads, is of its system, and says about its keys what the code says.
struct PolicyFolderTests {
    static func policy(_ file: String) throws -> PolicySettings { try PolicySettings.load("\(ConfigFolderTests.folder)/\(file)") }

    static func files() throws -> [String] { try ConfigFolderTests.files(in: "policies/") }

    @Test func everySystemHasAPolicyOfItsFamilyAndTheOthersMayDoAnything() throws {
        let own: Set = ["balanced", "lowest-latency", "lowest-energy", "metered-link", "strict-accuracy", "highest-throughput"]
        let systems = Set(PlanFamily.allCases.map(\.rawValue)).subtracting(["all"])
        #expect(try Set(Self.files()) == Set(own.union(systems).map { "policies/\($0).yaml" }))
        for name in systems { #expect(try Self.policy("policies/\(name).yaml").family.rawValue == name) }
        for name in own {
            let policy = try Self.policy("policies/\(name).yaml")
            #expect(policy.family == .all && policy.insurance == .auto && !policy.levels.isEmpty && !policy.constraints.isEmpty, "\(name)")
        }
    }

    @Test func policiesArriveAsTheirFilesSay() throws {
        #expect(
            try Self.policy("policies/spinn.yaml")
                == PolicySettings(
                    family: .spinn, levels: [0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1].map(GateLevel.threshold), insurance: .always, constraints: [.accuracyLoss(0.01)],
                    targets: [.init(.throughput, slack: 0.02), .init(.serverTime)], maximumInFlight: 8))
        #expect(
            try Self.policy("policies/edgent.yaml")
                == PolicySettings(
                    family: .edgent, levels: [.threshold(0)], constraints: [.deadline(.latency)], targets: [.init(.accuracy), .init(.latency)], maximumInFlight: 8))
        #expect(
            try Self.policy("policies/balanced.yaml")
                == PolicySettings(
                    levels: [0.001, 0.002, 0.005, 0.01, 0.02].map(GateLevel.risk), constraints: [.value(.misses, 0.01), .accuracyLoss(0.01)],
                    targets: [.init(.latency, slack: 0.2), .init(.energy, slack: 0.2), .init(.bytes)], maximumInFlight: 4))
        #expect(
            try Self.policy("policies/device-only.yaml") == PolicySettings(family: .deviceOnly, targets: [.init(.latency)], probesPerHour: 0))
    }

    /// One keeps the accuracy of the others: what the published systems and ours lose may be compared.
    @Test func whatSendsMayLoseAtMostAPointOfAccuracy() throws {
        for file in try Self.files() where !file.hasSuffix("device-only.yaml") && !file.hasSuffix("edgent.yaml") {
            let losses = try Self.policy(file).constraints.compactMap { if case .accuracyLoss(let loss) = $0 { loss } else { nil } }
            #expect(losses.count == 1 && losses[0] <= 0.01, "\(file)")
        }
    }

    @Test func keysAreDocumentedInOneLineAsTheCodeReadsThem() throws {
        for file in try Self.files() {
            let text = ConfigFolderTests.uncommented(try ConfigFolderTests.text(file))
            let described = try PolicySettings.keys(in: Array(text.utf8), file: file).map { description in
                var description = description
                // Of all elements of a list alike.
                description.key = description.key.replacing(/\[\d+\]/, with: "")
                return description
            }
            let documented = Self.documentedKeys(text)
            if file == "policies/balanced.yaml" { #expect(Set(described.map(\.key)) == Set(documented.map(\.key))) }
            for (key, comment) in documented {
                let description = try #require(described.first { $0.key == key }, "\(file): \(key)")
                #expect(comment.hasSuffix(". \(description.text)"), "\(file): \(key): \(comment)")
            }
        }
    }

    /// The keys that aren't sections, each where it is first, with the line above it.
    private static func documentedKeys(_ text: String) -> [(key: String, comment: String)] {
        var result: [(key: String, comment: String)] = []
        var (section, comment) = ("", "")
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let entry = line.drop { $0 == " " || $0 == "-" }
            if entry.hasPrefix("# ") {
                comment = String(entry.dropFirst(2))
            } else if let colon = entry.firstIndex(of: ":") {
                let name = String(entry[..<colon])
                let isNested = line.hasPrefix(" ")
                if !isNested { section = name }
                let key = isNested ? "\(section).\(name)" : name
                if !line.hasSuffix(":"), !result.contains(where: { $0.key == key }) { result.append((key, comment)) }
                comment = ""
            } else {
                comment = ""
            }
        }
        return result
    }
}
