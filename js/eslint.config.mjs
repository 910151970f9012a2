// Lint with types for the live widget page, the gallery, and what builds and checks them.
import eslint from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  globalIgnores(["src/gallery/generated/"]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  eslint.configs.recommended,
  // Characters that can't be seen are what is looked for.
  { rules: { "no-control-regex": "off" } },
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Handlers are one expression; what it gives is of no use to who calls them.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true, ignoreVoidOperator: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Indexes are checked by the compiler (noUncheckedIndexedAccess); the mark says that the code around has done so.
      "@typescript-eslint/no-non-null-assertion": "off",
      // What is async gives a promise where it fails, too.
      "@typescript-eslint/require-await": "off",
      eqeqeq: "error",
      "max-lines": ["error", { max: 250, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ["src/live/**"],
    rules: {
      // What notebooks bring along holds less than the types of its packages promise.
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      "@typescript-eslint/no-this-alias": ["error", { allowedNames: ["activity"] }],
    },
  },
  {
    files: ["src/gallery/**"],
    plugins: { "react-hooks": hooks },
    rules: { "react-hooks/rules-of-hooks": "error", "react-hooks/exhaustive-deps": "error" },
  },
  { files: ["**/*.mjs"], languageOptions: { globals: { URL: "readonly", console: "readonly", process: "readonly" } } },
);
