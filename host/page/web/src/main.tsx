import { QueryClient } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { ApiProblem, NoAnswer } from "./api/problem";
import { App } from "./app/App";
import { surroundings } from "./session/start";
import { NoSession } from "./session/tokens";
import "./theme/tokens.css";
import "./theme/base.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server refuses it refuses again; what does not arrive offline is asked for when somebody is back.
      retry: (failures, error) => {
        if (error instanceof NoSession || (error instanceof ApiProblem && !error.passes)) return false;
        return failures < 2 && (navigator.onLine || !(error instanceof NoAnswer));
      },
      refetchOnReconnect: true,
      // In a frame the browser's guess about the network is all there is; a request that fails says more.
      networkMode: "always",
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

createRoot(root).render(
  <StrictMode>
    <App surroundings={surroundings(window, root)} queries={queries} />
  </StrictMode>,
);
