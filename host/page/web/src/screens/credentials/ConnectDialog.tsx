/**
 * A system's own window, in a dialog. Kombo's script makes the frame and speaks with it; it is small, loads nothing,
 * and is only fetched when somebody connects. It makes the frame as large as the screen, so the dialog holds it in a
 * box that what is fixed cannot leave: in a vendor's page the screen is a frame of any height.
 */

import { useEffect, useRef } from "react";

import { useLanguage } from "../../i18n";
import { Button, Dialog } from "../../ui";
import type { OpenWindow } from "./connect";

export function ConnectDialog({ window, system }: { window: OpenWindow; system: string }) {
  const { t } = useLanguage();
  const place = useRef<HTMLDivElement>(null);
  const title = t("connect.window", { system });
  const { link, end, fail } = window;
  useEffect(() => {
    let gone = false;
    // Put off, so that an effect that is run twice opens one window.
    const timer = setTimeout(async () => {
      try {
        const { showKomboConnect, KomboConnectCancelledError } = await import("@kombo-api/connect");
        const container = place.current;
        if (gone || container === null) return;
        const shown = showKomboConnect(link, { container }).catch((error: unknown) => {
          if (error instanceof KomboConnectCancelledError) return null;
          throw error;
        });
        const frame = container.querySelector("iframe");
        frame?.setAttribute("title", title);
        frame?.focus();
        end(await shown);
      } catch (error) {
        fail(error);
      }
    });
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [link, title, end, fail]);
  return (
    <Dialog isOpen onClose={() => end(null)} title={title} size="lg" isDismissable={false} actions={<Button onPress={() => end(null)}>{t("action.cancel")}</Button>}>
      <div ref={place} className="connect-window" />
    </Dialog>
  );
}
