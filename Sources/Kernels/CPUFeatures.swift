// SPDX-License-Identifier: Apache-2.0
internal import CKernels
#if canImport(Glibc)
internal import Glibc
#endif

/// `SWIFTLET_ISA` asks for something that isn't there.
package struct InstructionSetError: Error, Hashable, Sendable, CustomStringConvertible {
    package var cause: String

    package var description: String { "SWIFTLET_ISA: \(cause)" }
}

/// Instruction sets beyond the baseline of the architecture that kernels may use. Empty: plain C.
package struct CPUFeatures: OptionSet, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// AVX2 and FMA.
    package static let avx2 = CPUFeatures(rawValue: ISA_AVX2.rawValue)
    package static let avxVNNI = CPUFeatures(rawValue: ISA_AVX_VNNI.rawValue)
    package static let avx512VNNI = CPUFeatures(rawValue: ISA_AVX512_VNNI.rawValue)
    package static let avx512VBMI = CPUFeatures(rawValue: ISA_AVX512_VBMI.rawValue)
    /// Advanced SIMD, which every AArch64 core has.
    package static let neon = CPUFeatures(rawValue: ISA_NEON.rawValue)
    package static let neonDot = CPUFeatures(rawValue: ISA_NEON_DOT.rawValue)
    package static let neonI8MM = CPUFeatures(rawValue: ISA_NEON_I8MM.rawValue)

    /// What the processor and the kernel of the operating system support.
    package static let detected = CPUFeatures(rawValue: isa_detect())

    /// ``detected``, narrowed by the environment variable `SWIFTLET_ISA`, see ``selected(by:)``. Programs call ``checkEnvironment()`` before they compute
    /// anything: without that, a value that can't be followed changes nothing.
    package static let current: CPUFeatures =
        switch selection {
        case .success(let features): features
        case .failure: detected
        }

    /// Throws where `SWIFTLET_ISA` can't be followed.
    package static func checkEnvironment() throws(InstructionSetError) { _ = try selection.get() }

    private static let selection: Result<CPUFeatures, InstructionSetError> = {
        guard let value = unsafe getenv("SWIFTLET_ISA") else { return .success(detected) }
        do throws(InstructionSetError) {
            return .success(try selected(by: unsafe String(cString: value)))
        } catch {
            return .failure(error)
        }
    }()

    /// What a comma-separated list of `plain`, `avx2`, `avxvnni`, `avx512vnni`, `avx512vbmi`, `neon`, `neondot`, `i8mm`, each with what it builds on,
    /// narrows ``detected`` to. An empty list changes nothing; a name that isn't known, or that this processor doesn't have, is an error.
    package static func selected(by names: String) throws(InstructionSetError) -> CPUFeatures {
        guard !names.isEmpty else { return detected }
        guard let features = CPUFeatures(names: names) else {
            let known = levels.map(\.name).joined(separator: ", ")
            throw InstructionSetError(cause: "unknown instruction set in '\(names)'; expected a list, by commas, of \(known)")
        }
        guard features.isSubset(of: detected) else {
            throw InstructionSetError(cause: "this processor hasn't all of '\(names)'; it has \(detected)")
        }
        return features
    }

    /// Each name with everything that it builds on.
    private static let levels: [(name: String, features: CPUFeatures)] = [
        ("plain", []), ("avx2", [.avx2]), ("avxvnni", [.avx2, .avxVNNI]), ("avx512vnni", [.avx2, .avx512VNNI]),
        ("avx512vbmi", [.avx2, .avx512VNNI, .avx512VBMI]),
        ("neon", [.neon]), ("neondot", [.neon, .neonDot]), ("i8mm", [.neon, .neonDot, .neonI8MM]),
    ]

    /// What this processor can be narrowed to by one name, plain C first, and last what it runs with by itself.
    package static let selectable: [(name: String, features: CPUFeatures)] =
        levels.filter { $0.features.isSubset(of: detected) } + (levels.contains { $0.features == detected } ? [] : [("all of them", detected)])

    /// The union of the instruction sets in a comma-separated list; `nil` for a name that isn't known.
    package init?(names: String) {
        var union: CPUFeatures = []
        for name in names.split(separator: ",", omittingEmptySubsequences: false) {
            guard let level = Self.levels.first(where: { $0.name == name }) else { return nil }
            union.formUnion(level.features)
        }
        self = union
    }

    /// The names that `SWIFTLET_ISA` takes, fastest last.
    package var description: String {
        let names = Self.levels.dropFirst().filter { isSuperset(of: $0.features) }.map(\.name)
        return names.isEmpty ? "plain" : names.joined(separator: ",")
    }
}
