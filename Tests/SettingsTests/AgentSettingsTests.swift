// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Gating
import Settings
import TestSupport
import Testing

struct AgentSettingsTests {
    static let head = "device: d-1\nmodel: {bundle: b.swiftlet}\nsource: {y4m: {}}\n"

    static func parse(_ text: String) throws(SettingsError) -> AgentSettings {
        try AgentSettings.parse(Array(text.utf8), file: "agent.yaml")
    }

    static func problems(_ text: String) -> [String] {
        do {
            _ = try parse(text)
            return []
        } catch {
            return error.lines
        }
    }

    @Test func everyKeyArrives() throws {
        let settings = try Self.parse(
            """
            device: drone-7
            model: {bundle: /m/b.swiftlet, threads: 2}
            inference: {cores: [3, 2], patience: 1 ms}
            source: {folder: {path: frames, watch: true}}
            deadline: 80 ms
            gate: {measure: entropy, threshold: 30 %}
            audit: {share: 2 %, tightened-share: 10 %, probation-share: 50 %, spacing: 500 ms, false-alarm-after: 5000, pause: 10 min}
            state: /var/lib/swiftlet
            recovery:
              enabled: false
              model: full.v2
              jpeg-quality: 70
              max-in-flight: 4
              expiry: 1 s
              speculative-upload: auto
              bytes-per-saved-second: 50 kB
              least-contrast: 1.5
              least-sharpness: 0
              budget: {messages-per-minute: 3, messages-per-hour: 500, bytes-per-day: 5 MB, audit-reserve: 10 %}
            broker:
              host: broker.example
              port: 8883
              keep-alive: 20 s
              username: drone-7
              tls: {authorities-file: ca.pem, certificate-file: c.pem, key-file: k.pem}
              back-off: {first: 2 s, longest: 1 min}
            output: {standard-output: false, publish: true, telemetry: 90 s}
            """)
        #expect(settings.device == "drone-7" && settings.bundle == "/m/b.swiftlet" && settings.threads == 2)
        #expect(settings.cores == [3, 2] && settings.patience == .milliseconds(1))
        #expect(settings.source == .folder(path: "frames", watch: true))
        #expect(settings.deadline == .milliseconds(80) && settings.gate == .threshold(.entropy, 0.3))
        #expect(!settings.recovery.isEnabled && settings.recovery.model == "full.v2" && settings.recovery.jpegQuality == 70)
        #expect(settings.recovery.maximumInFlight == 4 && settings.recovery.expiry == .seconds(1))
        #expect(settings.audit.share == 0.02 && settings.audit.tightenedShare == 0.1 && settings.audit.probationShare == 0.5 && settings.audit.spacing == .milliseconds(500))
        #expect(settings.audit.falseAlarmAfter == 5000 && settings.audit.pause == .seconds(600))
        #expect(settings.state == "/var/lib/swiftlet" && settings.recovery.speculativeUpload == .auto && settings.recovery.bytesPerSavedSecond == 50_000)
        #expect(settings.recovery.leastContrast == 1.5 && settings.recovery.leastSharpness == 0)
        var budget = BudgetSettings()
        (budget.messagesPerMinute, budget.messagesPerHour, budget.bytesPerDay, budget.auditReserve) = (3, 500, 5_000_000, 0.1)
        #expect(settings.recovery.budget == budget)
        #expect(settings.broker.host == "broker.example" && settings.broker.port == 8883 && settings.broker.keepAlive == .seconds(20))
        #expect(settings.broker.userName == "drone-7" && settings.broker.firstBackOff == .seconds(2) && settings.broker.longestBackOff == .seconds(60))
        #expect(settings.broker.tls == BrokerSettings.TLS(authoritiesFile: "ca.pem", certificateFile: "c.pem", keyFile: "k.pem"))
        #expect(!settings.output.standardOutput && settings.output.publishes && settings.output.telemetry == .seconds(90))
    }

    @Test func aBudgetThatContradictsItselfIsAProblem() {
        #expect(
            Self.problems(
                """
                device: d
                model: {bundle: b}
                source: {flight: {}}
                recovery:
                  jpeg-quality: best
                  budget:
                    messages-per-hour: 50
                    messages-per-day: 20
                    bytes-per-day: 5
                """) == [
                    "agent.yaml:5:17: recovery.jpeg-quality: expected auto or 1 … 100, found 'best'",
                    "agent.yaml:7:24: recovery.budget.messages-per-hour: more than messages-per-day",
                    "agent.yaml:9:20: recovery.budget.bytes-per-day: expected 1 kB … 1000 GB, found '5'",
                ])
    }

    @Test func theFlightHasItsOwnKeys() throws {
        let settings = try Self.parse("device: d\nmodel: {bundle: b}\nsource: {flight: {seed: 9, rate: 12.5 fps, frames: 40}}\n")
        #expect(settings.source == .flight(seed: 9, framesPerSecond: 12.5, frames: 40))
    }

    @Test func allProblemsAreNamedAtOnceInTheOrderOfTheirLines() {
        #expect(
            Self.problems(
                """
                devise: d-1
                model: {bundle: b.swiftlet, threads: many}
                source: {y4m: {}}
                deadline: 100
                gate:
                    threshold: 80
                    tresholds: 1
                broker: {port: 70000, keep-alive: {}}
                recovery: no
                """) == [
                    "agent.yaml:1:1: device: missing: expected 1 … 36 of a-z, 0-9 and -",
                    "agent.yaml:1:1: devise: unknown key, did you mean 'device'?",
                    "agent.yaml:2:38: model.threads: expected 1 … 64, found 'many'",
                    "agent.yaml:4:11: deadline: expected 1 ms … 1 min, found '100'",
                    "agent.yaml:6:16: gate.threshold: expected 0 … 100 %, found '80'",
                    "agent.yaml:7:5: gate.tresholds: unknown key, did you mean 'threshold'?",
                    "agent.yaml:8:16: broker.port: expected 1 … 65535, found '70000'",
                    "agent.yaml:8:35: broker.keep-alive: expected 5 s … 1 h, found keys",
                    "agent.yaml:9:11: recovery: expected keys, found 'no'",
                ])
    }

    @Test func processorsAreNumbersEachNamedOnce() throws {
        #expect(try Self.parse(Self.head).cores == [] && Self.parse(Self.head + "inference: {patience: 0 us}\n").patience == .zero)
        let threads = "device: d-1\nmodel: {bundle: b.swiftlet, threads: 2}\nsource: {y4m: {}}\n"
        #expect(try Self.parse(threads + "inference: {cores: [1]}\n").cores == [1])
        for (text, problems) in [
            ("{cores: [1, 1]}", ["agent.yaml:4:20: inference.cores: a processor is named twice"]),
            ("{cores: [0, 1, 2]}", ["agent.yaml:4:20: inference.cores: 3 processors for the 2 of model.threads"]),
            ("{cores: 1}", ["agent.yaml:4:20: inference.cores: expected a list of 0 … 1023, found '1'"]),
            (
                "{cores: [x, [2]], patience: 2 s}",
                [
                    "agent.yaml:4:21: inference.cores[0]: expected 0 … 1023, found 'x'",
                    "agent.yaml:4:24: inference.cores[1]: expected 0 … 1023, found a list",
                    "agent.yaml:4:40: inference.patience: expected 0 us … 1 s, found '2 s'",
                ]
            ),
            ("{core: [1]}", ["agent.yaml:4:13: inference.core: unknown key, did you mean 'cores'?"]),
        ] { #expect(Self.problems(threads + "inference: \(text)\n") == problems) }
    }

    @Test func anEmptyFileLacksWhatIsRequired() {
        #expect(
            Self.problems("") == [
                "agent.yaml:1:1: device: missing: expected 1 … 36 of a-z, 0-9 and -", "agent.yaml:1:1: model.bundle: missing: expected a path",
                "agent.yaml:1:1: source: expected exactly one of folder, y4m, flight, found none",
            ])
    }

    @Test func whatIsNoSectionIsReportedOnce() {
        #expect(Self.problems("device: d\nmodel: 5\nsource: {y4m: {}}\n") == ["agent.yaml:2:8: model: expected keys, found '5'"])
    }

    @Test func exactlyOneSource() {
        #expect(
            Self.problems("device: d\nmodel: {bundle: b}\nsource: {y4m: {}, flight: {}}\n") == [
                "agent.yaml:3:9: source: expected exactly one of folder, y4m, flight, found y4m, flight"
            ])
    }

    @Test func valuesThatContradictEachOtherAreProblems() {
        #expect(
            Self.problems(Self.head + "deadline: 2 s\nrecovery: {expiry: 1 s}\n") == ["agent.yaml:5:20: recovery.expiry: shorter than the deadline"])
        #expect(
            Self.problems(Self.head + "broker: {back-off: {first: 30 s, longest: 2 s}}\n") == [
                "agent.yaml:4:43: broker.back-off.longest: shorter than broker.back-off.first"
            ])
        #expect(
            Self.problems(Self.head + "broker: {tls: {key-file: k}}\n") == ["agent.yaml:4:26: broker.tls.key-file: needs broker.tls.certificate-file"])
    }

    @Test func anEmptyTLSSectionIsNeitherEncryptionNorItsAbsence() throws {
        #expect(Self.problems(Self.head + "broker:\n  tls:\n") == ["agent.yaml:5:7: broker.tls: expected keys, found nothing"])
        #expect(try Self.parse(Self.head + "broker: {tls: {}}\n").broker.tls == BrokerSettings.TLS())
        #expect(try Self.parse(Self.head).broker.tls == nil)
    }

    @Test func gatesCombine() throws {
        let gate = try Self.parse(
            Self.head + "gate: {any: [{measure: top-1, threshold: 95 %}, {all: [{measure: margin, threshold: 60 %}, {not: {measure: energy, threshold: -3.5}}]}]}\n"
        ).gate
        #expect(gate == .any([.threshold(.topOne, 0.95), .all([.threshold(.margin, 0.6), .not(.threshold(.energy, -3.5))])]))
        #expect(
            Self.problems(Self.head + "gate: {all: [], measure: margin}\n") == [
                "agent.yaml:4:13: gate.all: expected at least one gate", "agent.yaml:4:26: gate.measure: expected 'all' alone",
            ])
        #expect(
            Self.problems(Self.head + "gate: {all: [{threshold: 5}]}\n") == ["agent.yaml:4:26: gate.all[0].threshold: expected 0 … 100 %, found '5'"])
        #expect(
            Self.problems(Self.head + "gate: {measure: margin}\n") == ["agent.yaml:4:7: gate.threshold: missing: expected 0 … 100 %"])
    }

    @Test func classesMayHaveThresholdsOfTheirOwn() throws {
        let gate = try #require(
            Self.parse(Self.head + "gate: {measure: margin, threshold: 60 %, classes: {person: 90 %, 2: 80 %}}\n").gate)
        #expect(try gate.gate(labels: ["cat", "person", "dog"], classes: 3) == .perClass(.margin, thresholds: [1: 0.9, 2: 0.8], otherwise: 0.6))
        // A label that is a number is a label.
        #expect(try gate.gate(labels: ["person", "2"], classes: 2) == .perClass(.margin, thresholds: [0: 0.9, 1: 0.8], otherwise: 0.6))
        for (labels, classes, message) in [
            (["cat", "persons", "dog"], 3, "line 4: gate.classes: 'person' is none of the network's 3 classes, did you mean 'persons'?"),
            (["person", "dog"], 2, "line 4: gate.classes: '2' is none of the network's 2 classes"),
            (["cat", "dog", "person"], 3, "line 4: gate.classes: '2' is a class that has a threshold already"), ([], 3, "line 4: gate.classes: 'person' is none of the network's 3 classes"),
        ] {
            let mismatch = #expect(throws: GateSettings.Mismatch.self) { try gate.gate(labels: labels, classes: classes) }
            #expect(mismatch?.description == message)
        }
        #expect(
            Self.problems(Self.head + "gate: {classes: {a: 90, b: {}}, threshold: 1 %}\n") == [
                "agent.yaml:4:21: gate.classes.a: expected 0 … 100 %, found '90'", "agent.yaml:4:28: gate.classes.b: expected 0 … 100 %, found keys",
            ])
        #expect(Self.problems(Self.head + "gate: {classes: 5}\n") == ["agent.yaml:4:17: gate.classes: expected names with values, found '5'"])
        #expect(
            Self.problems(Self.head + "gate: {not: {measure: margin, threshold: 1 %}, classes: {a: 1 %}}\n") == [
                "agent.yaml:4:57: gate.classes: expected 'not' alone"
            ])
    }

    @Test func secondLooksAndStreamsAreOffUnlessAskedFor() throws {
        let plain = try Self.parse(Self.head)
        #expect(plain.secondLook == nil && plain.stream == nil)
        let settings = try Self.parse(
            Self.head + "second-look: 99 %\nstream: {hysteresis: 10 %, ask-frames: 5, ask-interval: 2 s, longest-interval: 1 min, carry: 3 s}\n")
        #expect(settings.secondLook == 0.99)
        var stream = StreamGate.Settings()
        (stream.hysteresis, stream.frames, stream.interval, stream.longestInterval, stream.carry) = (0.1, 5, .seconds(2), .seconds(60), .seconds(3))
        #expect(settings.stream == stream)
        #expect(try Self.parse(Self.head + "stream: {}\n").stream == StreamGate.Settings())
        #expect(
            Self.problems(Self.head + "stream: {ask-interval: 20 s}\n") == ["agent.yaml:4:9: stream.longest-interval: shorter than stream.ask-interval"])
    }

    @Test func aMessageIsOneLineWhateverTheFileHolds() throws {
        let lines = Self.problems(Self.head + "deadline: \"1\\n2\\e[31m\"\n\"a\\nb\": 1\n")
        #expect(
            lines == [
                "agent.yaml:4:11: deadline: expected 1 ms … 1 min, found '1\\n2\\u{1B}[31m'", "agent.yaml:5:1: a\\nb: unknown key",
            ])
        let long = Self.problems(Self.head + "deadline: " + String(repeating: "9", count: 1000) + "\n")
        #expect(try #require(long.first).count < 150)
    }

    @Test func relativePathsStartAtTheFolderOfTheFile() throws {
        let folder = FileManager.default.temporaryDirectory.path() + "/settings-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("s3cret\n".utf8).write(to: URL(filePath: folder + "/password"))
        let text = Self.head + "broker: {username: u, password-file: password}\n"
        try Data(text.utf8).write(to: URL(filePath: folder + "/agent.yaml"))
        let settings = try AgentSettings.load(folder + "/agent.yaml")
        #expect(settings.bundle == folder + "/b.swiftlet")
        #expect(settings.broker.password?.exposed == "s3cret")
        #expect(!"\(settings)".contains("s3cret") && !String(reflecting: settings).contains("s3cret"))
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!dumped.contains("s3cret"))
    }

    @Test func aSecretThatIsNotThereIsAProblem() {
        let lines = Self.problems(Self.head + "broker: {username: u, password-file: /nonexistent/password}\n")
        #expect(lines == ["agent.yaml:4:38: broker.password-file: can't read '/nonexistent/password': No such file or directory"])
        #expect(Self.problems(Self.head + "broker: {username: u, password-file: /}\n").first?.contains("Is a directory") == true)
        #expect(Self.problems(Self.head + "broker: {password-file: /dev/null}\n").count == 2)
    }

    @Test func aFileThatIsNotThereIsAProblemOfItsFirstLine() {
        #expect(throws: SettingsError(file: "/nonexistent.yaml", problems: [Problem(at: Position(line: 1, column: 1), "No such file or directory")])) {
            try AgentSettings.load("/nonexistent.yaml")
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func damagedFilesGiveSettingsOrProblemsOfOneLine(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let text = try ConfigFolderTests.text("agent.yaml")
        let originals = [Array(text.utf8), Array(ConfigFolderTests.uncommented(text).utf8)]
        for _ in 0..<400 {
            let original = originals[Int.random(in: 0...1, using: &random)]
            let bytes = random.damaged(original)
            do {
                _ = try AgentSettings.parse(bytes, file: "agent.yaml")
            } catch {
                #expect(!error.problems.isEmpty)
                for line in error.lines { #expect(!line.contains("\n") && line.hasPrefix("agent.yaml:")) }
            }
        }
    }
}
