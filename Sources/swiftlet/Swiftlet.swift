// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

@main
struct Swiftlet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swiftlet", abstract: "Prepare, check and try networks for the Swiftlet agent.",
        subcommands: [
            BenchCommand.self,
            IsolationCommand.self,
            CertifyCommand.self,
            CompileCommand.self,
            ConformCommand.self,
            CutsCommand.self,
            DemoCommand.self,
            EvaluateCommand.self,
            ExitsCommand.self,
            FlightCommand.self,
            InferCommand.self,
            InspectCommand.self,
            PlanCommand.self,
            ServeCommand.self,
            TabulateCommand.self,
            TensorCommand.self,
            VerifyCommand.self,
        ])
}
