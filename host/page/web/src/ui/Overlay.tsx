/**
 * What lies over the page: dialogs and the side panel. Focus goes in, stays in and comes back. In a vendor's page
 * they lie in the part of the frame that can be seen.
 */

import { type ReactNode, useEffect, useState } from "react";
import { Dialog as AriaDialog, Heading } from "react-aria-components/Dialog";
import { Modal, ModalOverlay } from "react-aria-components/Modal";

import { useLanguage } from "../i18n";
import type { Explained } from "../i18n";
import { useSurroundings } from "../session/context";
import { Button, IconButton } from "./Button";
import { Detail } from "./Detail";
import { Notice } from "./Notice";
import "./overlay.css";

interface OverlayProps {
  isOpen: boolean;
  onClose: () => void;
  /** What it is, as its heading. */
  title: ReactNode;
  children: ReactNode;
}

function useFrame(isOpen: boolean): void {
  const { frame } = useSurroundings();
  useEffect(() => (isOpen ? frame.overlay() : undefined), [frame, isOpen]);
}

export interface DialogProps extends OverlayProps {
  /** Buttons, the most useful one last. */
  actions?: ReactNode;
  size?: "sm" | "md" | "lg";
  /** A question that must be answered by one of its buttons. */
  role?: "dialog" | "alertdialog";
  isDismissable?: boolean;
}

export function Dialog({ isOpen, onClose, title, children, actions, size = "sm", role = "dialog", isDismissable = true }: DialogProps) {
  useFrame(isOpen);
  return (
    <ModalOverlay
      className="veil veil-centre"
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={isDismissable && role === "dialog"}
      isKeyboardDismissDisabled={!isDismissable}
    >
      <Modal className={`dialog dialog-${size}`}>
        <AriaDialog role={role} className="dialog-inner">
          <Heading slot="title" className="dialog-title">
            {title}
          </Heading>
          <div className="dialog-body">{children}</div>
          {actions !== undefined && <div className="dialog-actions">{actions}</div>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface SheetProps extends OverlayProps {
  /** Under the title. */
  subtitle?: ReactNode;
  actions?: ReactNode;
  /** The children scroll by themselves: a long list that draws only what is seen. */
  ownScroll?: boolean;
}

/** A panel at the side; the whole width on a phone. */
export function Sheet({ isOpen, onClose, title, subtitle, actions, children, ownScroll = false }: SheetProps) {
  const { t } = useLanguage();
  useFrame(isOpen);
  return (
    <ModalOverlay className="veil veil-side" isOpen={isOpen} onOpenChange={(open) => !open && onClose()} isDismissable>
      <Modal className="sheet">
        <AriaDialog className="sheet-inner">
          <header className="sheet-head">
            <div className="sheet-titles">
              <Heading slot="title" className="sheet-title">
                {title}
              </Heading>
              {subtitle !== undefined && <div className="muted small">{subtitle}</div>}
            </div>
            {actions}
            <IconButton icon="x" label={t("action.close")} onPress={onClose} />
          </header>
          {/* What scrolls can be reached by keyboard, also where nothing in it can be pressed. */}
          <div className={ownScroll ? "sheet-body sheet-body-own" : "sheet-body"} tabIndex={ownScroll ? undefined : 0}>
            {children}
          </div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface ConfirmProps extends OverlayProps {
  /** What the button says: the deed, never "OK". */
  action: string;
  danger?: boolean;
  /** Does it; the dialog closes when that has succeeded and stays with the reason when it has not. */
  onConfirm: () => Promise<unknown>;
  /** What can be done in its place, offered once it has not succeeded for a reason that this helps against. */
  instead?: { action: string; helps: (error: unknown) => boolean; onConfirm: () => Promise<unknown> };
}

export function Confirm({ isOpen, onClose, title, children, action, danger = false, onConfirm, instead }: ConfirmProps) {
  const { t, error: explain } = useLanguage();
  const [doing, setDoing] = useState<"deed" | "instead" | null>(null);
  const [problem, setProblem] = useState<Explained | null>(null);
  const [helps, setHelps] = useState(false);
  const pending = doing !== null;
  useEffect(() => {
    if (!isOpen) return;
    setProblem(null);
    setHelps(false);
  }, [isOpen]);
  const confirm = async (what: "deed" | "instead", deed: () => Promise<unknown>) => {
    setDoing(what);
    setProblem(null);
    try {
      await deed();
      onClose();
    } catch (error) {
      setProblem(explain(error));
      setHelps(instead?.helps(error) ?? false);
    } finally {
      setDoing(null);
    }
  };
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      title={title}
      role="alertdialog"
      isDismissable={!pending}
      actions={
        <>
          <Button onPress={onClose} isDisabled={pending} autoFocus={danger}>
            {t("action.cancel")}
          </Button>
          {helps && instead !== undefined && (
            <Button isPending={doing === "instead"} isDisabled={doing === "deed"} onPress={() => void confirm("instead", instead.onConfirm)}>
              {instead.action}
            </Button>
          )}
          <Button look={danger ? "danger" : "primary"} isPending={doing === "deed"} isDisabled={doing === "instead"} onPress={() => void confirm("deed", onConfirm)} autoFocus={!danger}>
            {action}
          </Button>
        </>
      }
    >
      {children}
      {problem !== null && (
        <Notice tone="bad" title={problem.says}>
          {problem.advice === null && problem.detail === null ? null : (
            <>
              {problem.advice} <Detail of={problem} />
            </>
          )}
        </Notice>
      )}
    </Dialog>
  );
}
