// Starts the language server, and shows what its lenses and commands give.

import { execFile } from "node:child_process";
import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";

interface TestResult {
  passed: boolean;
  text: string;
}

let client: LanguageClient | undefined;

function program(): string {
  return vscode.workspace.getConfiguration("catena").get("path", "catena");
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("Catena");
  const server: ServerOptions = { command: program(), args: ["lsp"] };
  const options: LanguageClientOptions = {
    documentSelector: [{ language: "catena" }],
    outputChannel: output,
    initializationOptions: { showsTestResults: true },
    middleware: {
      executeCommand: async (command, args, next) => {
        const result = (await next(command, args)) as TestResult | null;
        if (result) {
          output.appendLine(result.text);
          const show = result.passed ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
          const chosen = await show(result.passed ? "Tests passed" : "Tests failed", "Show");
          if (chosen) {
            output.show(true);
          }
        }
        return result;
      },
    },
  };
  client = new LanguageClient("catena", "Catena", server, options);
  context.subscriptions.push(output, vscode.commands.registerCommand("catena.explain", explain));
  try {
    await client.start();
  } catch (error) {
    const message = `The program \`${program()}\` did not start: set catena.path. ${String(error)}`;
    void vscode.window.showErrorMessage(message);
  }
}

export function deactivate(): Promise<void> | undefined {
  return client?.stop();
}

/** The page that `catena explain --html` makes of the file in front. */
function explain(): void {
  const file = vscode.window.activeTextEditor?.document.uri.fsPath;
  if (!file) {
    return;
  }
  execFile(program(), ["explain", file, "--html", "-"], { maxBuffer: 1 << 26 }, (error, page) => {
    if (page) {
      const panel = vscode.window.createWebviewPanel("catena", "Catena", vscode.ViewColumn.Beside, { enableScripts: true });
      panel.webview.html = page;
    } else if (error) {
      void vscode.window.showErrorMessage(error.message);
    }
  });
}
